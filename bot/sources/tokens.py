"""Which token goes to which source. They are named by the ids of access.yaml and never stand in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.service.sources import SourceError, Token


def name_of(source_id: str) -> str:
    """An id as the environment writes it: ``payments-oncall`` is ``PAYMENTS_ONCALL``."""
    return re.sub(r"[^A-Z0-9]", "_", source_id.upper())


def variable_of(source_id: str) -> str:
    """The environment variable that holds the token of a source."""
    return f"PRODACCESS_SOURCE_{name_of(source_id)}_TOKEN"


@dataclass(frozen=True, slots=True)
class Tokens:
    """``known``: by ``name_of`` the id of a schedule or tracker, or of its kind, which serves all of that kind."""

    known: Mapping[str, Token] = field(repr=False)

    def of(self, source_id: str, kind: str) -> str:
        """The token itself. Raises SourceError where there is none."""
        token = self.known.get(name_of(source_id)) or self.known.get(name_of(kind))
        if not token:
            names = f"{variable_of(source_id)} or {variable_of(kind)}"
            raise SourceError(f"{source_id} has no token; give it one in {names}", passing=False)
        return token.reveal()
