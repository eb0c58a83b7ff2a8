"""What a form offers for a parameter, listed live by its provider; what is chosen is judged as what is typed is."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from bot.core.lookups import Choice
from bot.core.model import Account, Parameter, Role
from bot.service.facts import Question, Sources
from bot.service.ports import CloudProvider, LooksUp
from bot.service.records import CloudError
from bot.service.sources import SourceError

log = structlog.get_logger(__name__)

AT_ONCE: Final = 0.2
"""Seconds that a form waits to hear whether there will be something to choose from."""
WHILE_TYPING: Final = 1.2
"""Seconds that a menu waits for its options: Slack gives up after three."""


@dataclass(frozen=True, slots=True)
class LookUps:
    """Lists what can be chosen; for a minute it is remembered. Never under a database lock."""

    providers: Mapping[str, CloudProvider]
    sources: Sources

    def choices(
        self, role: Role, account: Account, parameter: Parameter, *, within: float = WHILE_TYPING
    ) -> tuple[Choice, ...] | None:
        """What this parameter takes of what there is; ``None`` where that cannot be said ``within`` these seconds."""
        asked = self._ask(role, account, parameter)
        found = asked.answer(time.monotonic() + within, []) if asked else None
        if found is None:
            return None
        return tuple(choice for choice in found if re.fullmatch(parameter.pattern, choice.value))

    def unavailable(self, role: Role, account: Account, *, within: float = AT_ONCE) -> frozenset[str]:
        """Ids of the role's parameters whose choices cannot be listed there now.

        All are asked for, so that they are there when somebody looks; those that take longer count as available.
        """
        by = time.monotonic() + within
        asked = [(each.id, self._ask(role, account, each)) for each in role.parameters if each.lookup is not None]
        return frozenset(name for name, question in asked if question is None or _failed(question, by))

    def _ask(self, role: Role, account: Account, parameter: Parameter) -> Question[tuple[Choice, ...]] | None:
        provider, lookup = self.providers.get(role.provider), parameter.lookup
        if lookup is None or not isinstance(provider, LooksUp):
            return None

        def read() -> tuple[Choice, ...]:
            try:
                return provider.look_up(account, lookup)
            except CloudError as error:
                raise SourceError(str(error).removesuffix("."), passing=error.passing) from None

        name, key = f"{lookup.kind} in {account.id}", (role.provider, account, lookup)
        return self.sources.begin(name, lambda: self.sources.choices.get(key, account.id, name, read))


def _failed(question: Question[tuple[Choice, ...]], by: float) -> bool:
    try:
        question.asked.result(max(0.0, by - time.monotonic()))
    except TimeoutError:
        return False
    except Exception as error:  # whatever it is, it is typed instead
        log.warning("lookup.failed", what=question.what, why=str(error) or type(error).__name__)
        return True
    return False
