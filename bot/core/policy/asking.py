"""Whether something may be asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

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


def may_ask(asking: Asking, rules: Iterable[AskingRule] = ASKING) -> Verdict:
    """Whether this may be asked for, all of its targets. Where a role is refused, nothing more about it is told."""
    chosen = tuple(rules)
    reasons = _of_all([words_of(chosen, replace(asking, at=at)) for at, _ in enumerate(asking.ask.items)], asking)
    hidden = [reason for reason in reasons if reason.rule in {"role", "account"} and not reason.satisfied]
    return Verdict(tuple(hidden if hidden else dict.fromkeys(reasons)))


def _of_all(found: Sequence[tuple[Reason, ...]], asking: Asking) -> list[Reason]:
    """What is so of each target is said once, what is not with its target's name."""
    common = set(found[0]).intersection(*found[1:])
    return [
        reason if reason in common else replace(reason, text=f"{item.role} in {item.account}: {reason.text}")
        for item, reasons in zip(asking.ask.items, found, strict=True)
        for reason in reasons
    ]
