"""Whether something may be asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.core.model import Item
from bot.core.policy.case import Asking, AskingRule
from bot.core.policy.lengths import (
    caps_hold,
    duration_fits,
    has_cooled_down,
    hours_fit,
    reason_is_given,
    start_fits,
    work_fits,
)
from bot.core.policy.targets import (
    account_is_offered,
    asks_for_themselves,
    parameters_fit,
    requester_is_welcome,
    role_is_offered,
    targets_are_few_and_distinct,
)
from bot.core.policy.tickets import ticket_fits, ticket_is_there
from bot.core.policy.verdict import Reason, Verdict, words_of
from bot.core.policy.ways import critical_is_kept, glass_may_be_broken, may_go_on, someone_can_approve

ASKING: tuple[AskingRule, ...] = (
    requester_is_welcome,
    asks_for_themselves,
    role_is_offered,
    account_is_offered,
    work_fits,
    duration_fits,
    start_fits,
    hours_fit,
    parameters_fit,
    reason_is_given,
    ticket_fits,
    ticket_is_there,
    caps_hold,
    has_cooled_down,
    critical_is_kept,
    glass_may_be_broken,
    may_go_on,
    targets_are_few_and_distinct,
    someone_can_approve,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of an ask: what is so of each of its targets, and what is so of one of them besides."""

    items: tuple[Item, ...]
    shared: tuple[Reason, ...]
    own: tuple[tuple[Reason, ...], ...]
    """For each target its own; none where there is one target only."""

    @property
    def verdict(self) -> Verdict:
        """All of it, what is of one target with that target's name."""
        named = (of_target(item, reason) for item, own in zip(self.items, self.own, strict=True) for reason in own)
        return Verdict(tuple(dict.fromkeys((*self.shared, *named))))


def may_ask(asking: Asking, rules: Iterable[AskingRule] = ASKING) -> Verdict:
    """Whether this may be asked for, all of its targets. Where a role is refused, nothing more about it is told."""
    return judged(asking, rules).verdict


def judged(asking: Asking, rules: Iterable[AskingRule] = ASKING) -> Judged:
    """The verdict of ``may_ask``, target by target."""
    chosen = tuple(rules)
    found = [words_of(chosen, replace(asking, at=at)) for at, _ in enumerate(asking.ask.items)]
    if any(map(_hides, (reason for reasons in found for reason in reasons))):
        found = [tuple(filter(_hides, reasons)) for reasons in found]
    common = set(found[0]).intersection(*found[1:])
    own = (tuple(reason for reason in reasons if reason not in common) for reasons in found)
    return Judged(asking.ask.items, tuple(reason for reason in found[0] if reason in common), tuple(own))


def of_target(item: Item, reason: Reason) -> Reason:
    """A reason with the name of the only target that it is of."""
    return replace(reason, text=f"{item.role} in {item.account}: {reason.text}")


def _hides(reason: Reason) -> bool:
    return reason.rule in {"role", "account"} and not reason.satisfied
