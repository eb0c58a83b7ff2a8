"""From the rules of a role in a Document to the core's records."""

from collections.abc import Mapping, Sequence
from datetime import time, timedelta

from bot.catalogue import entries, rules
from bot.core.model import StepUpPolicy, StepUpRule
from bot.core.rules import (
    AskRule,
    Auto,
    BreakGlass,
    Bundle,
    Caps,
    Escalation,
    Extension,
    Hours,
    Override,
    OwnerOf,
    Schedule,
    Separation,
    Stage,
    TicketRule,
    Tracker,
)


def ask_rules(listed: Sequence[rules.Ask]) -> tuple[AskRule, ...]:
    """Who may ask."""
    return tuple(
        AskRule(
            people=frozenset(entry.people),
            groups=frozenset(entry.groups),
            slack_groups=frozenset(entry.slack_groups),
            email_domains=frozenset(entry.email_domains),
            until=entry.until,
        )
        for entry in listed
    )


def further_rules(entry: Mapping[str, Sequence[rules.Ask]]) -> dict[str, tuple[AskRule, ...]]:
    """Who else has to name whoever asks, by account or tag."""
    return {key: ask_rules(listed) for key, listed in entry.items()}


def stage(entry: rules.Stage) -> Stage:
    """Who may say yes at one stage."""
    return Stage(
        title=entry.title or "",
        manager=entry.manager,
        people=frozenset(entry.people),
        groups=frozenset(entry.groups),
        slack_groups=frozenset(entry.slack_groups),
        owner=OwnerOf(entry.owner.parameter, entry.owner.tag) if entry.owner else None,
        on_call=entry.on_call or "",
        quorum=entry.quorum,
        refusals=entry.refusals,
        fallback=frozenset(entry.fallback),
        escalate=tuple(
            Escalation(each.after, frozenset(each.people), frozenset(each.groups), frozenset(each.slack_groups))
            for each in entry.escalate
        ),
    )


def step_ups(entry: rules.StepUps, critical: bool) -> tuple[StepUpPolicy, StepUpPolicy]:
    """How fresh the proof of the requester and of the approvers has to be; always, unless a critical role says else."""
    given = entry.model_fields_set if critical else {"ask", "approve"}
    always = StepUpPolicy(StepUpRule.ALWAYS)
    return entry.ask if "ask" in given else always, entry.approve if "approve" in given else always


def ticket(entry: rules.Ticket | None) -> TicketRule | None:
    """The ticket that has to be named."""
    if entry is None:
        return None
    return TicketRule(entry.pattern, entry.hint, entry.tracker or "", entry.must_be_open, entry.ends_access)


def automatic(entry: rules.Automatic | None) -> Auto | None:
    """When nobody is asked."""
    if entry is None:
        return None
    return Auto(entry.times, entry.per, entry.on_call or "", frozenset(entry.severities), entry.during or "")


def break_glass(entry: rules.BreakGlass | None) -> BreakGlass | None:
    """What may be had at once."""
    return BreakGlass(entry.max, entry.review_within) if entry else None


def separation(entry: rules.Separate | None) -> Separation:
    """Who may not approve for whom."""
    if entry is None:
        return Separation()
    pair = entry.pair
    if pair is None:
        return Separation(frozenset(entry.teams))
    return Separation(frozenset(entry.teams), pair.most, pair.per)


def caps(entry: entries.Limits) -> Caps:
    """How much may be live at once."""
    return Caps(entry.per_person, entry.per_role, entry.per_account, entry.cool_down or timedelta(0))


def extension(entry: rules.Extend | None) -> Extension | None:
    """How a grant may be made longer."""
    return Extension(entry.max, entry.approval) if entry else None


# --- entries of their own --------------------------------------------------------------------------------


def hours(key: str, entry: entries.Hours, zone: str) -> Hours:
    """A window of the week; ``zone`` is the catalogue's."""
    return Hours(key, entry.days, time(*entry.opens), time(*entry.closes), entry.zone or zone)


def schedule(key: str, entry: entries.Schedule, zone: str) -> Schedule:
    """Who is on call; ``zone`` is the catalogue's."""
    return Schedule(
        id=key,
        kind=entry.kind,
        people=tuple(entry.people),
        handover_day=entry.handover.day,
        handover_at=time(*entry.handover.at),
        zone=entry.zone or zone,
        shift=entry.length,
        overrides=tuple(Override(each.person, each.begins, each.ends) for each in entry.overrides),
        source=entry.id or "",
        url=entry.url or "",
    )


def tracker(key: str, entry: entries.Tracker) -> Tracker:
    """Where tickets are kept."""
    return Tracker(key, entry.kind, entry.url or "", entry.repository or "")


def bundle(key: str, entry: entries.Bundle) -> Bundle:
    """Roles that are asked for together."""
    return Bundle(key, entry.title, tuple((each.role, dict(each.params)) for each in entry.roles))
