"""Which token goes to which source, and to no other host.

They are named by the ids of access.yaml and never stand in it. Whoever edits that file says where a source is asked;
where its token may go is said beside the token.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from bot.service.sources import SourceError, Token

USUAL: Final[Mapping[str, frozenset[str]]] = {
    "pagerduty": frozenset({"api.pagerduty.com", "api.eu.pagerduty.com"}),
    "opsgenie": frozenset({"api.opsgenie.com", "api.eu.opsgenie.com"}),
    "github": frozenset({"api.github.com"}),
    "linear": frozenset({"api.linear.app"}),
    "jira": frozenset(),
}
"""By kind, the vendor's own hosts: where a token may go that comes without a host. Every Jira has one of its own."""
_PORTS: Final = {"http": 80, "https": 443}


def name_of(source_id: str) -> str:
    """An id as the environment writes it: ``payments-oncall`` is ``PAYMENTS_ONCALL``."""
    return re.sub(r"[^A-Z0-9]", "_", source_id.upper())


def variable_of(source_id: str) -> str:
    """The environment variable that holds the token of a source."""
    return f"PRODACCESS_SOURCE_{name_of(source_id)}_TOKEN"


@dataclass(frozen=True, slots=True)
class Tokens:
    """``known``: by ``name_of`` the id of a schedule or tracker, or of its kind, which serves all of that kind.

    ``hosts``: by the same name the one ``host`` or ``host:port`` that the token of that name may go to.
    """

    known: Mapping[str, Token] = field(repr=False)
    hosts: Mapping[str, str] = field(default_factory=dict)

    def of(self, source_id: str, kind: str, url: str) -> str:
        """The token itself, to be sent to ``url``. Raises SourceError where there is none, or it may not go there."""
        name = next((each for each in (name_of(source_id), name_of(kind)) if self.known.get(each)), "")
        if not name:
            names = f"{variable_of(source_id)} or {variable_of(kind)}"
            raise SourceError(f"{source_id} has no token; give it one in {names}", passing=False)
        host, said = _host(url), self.hosts.get(name, "").lower().removesuffix(":443")
        # A source whose id is the name of another kind gets that kind's token, which is for that vendor alone.
        usual = USUAL.get(name.lower(), USUAL.get(kind, frozenset()))
        if host not in ({said} if said else usual):
            where = f"write PRODACCESS_SOURCE_{name}_HOST={host} if it may"
            raise SourceError(f"{source_id} has a token that may not go to {host}; {where}", passing=False)
        return self.known[name].reveal()


def _host(url: str) -> str:
    """The host, and the port where it is not that of https: plain http never passes for it."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    host = f"[{host}]" if ":" in host else host
    return host if port == 443 else f"{host}:{port}"
