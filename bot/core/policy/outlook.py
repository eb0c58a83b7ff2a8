"""What will become of a form that is still being filled in, as far as that is known. Nothing is changed.

Whatever is not known counts for the requester here and is told as not known: the form asks nobody.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.duration import format_duration
from bot.core.model import Ask, Catalogue, Person, Role
from bot.core.policy.case import Asking
from bot.core.policy.explain import Explanation, StageView, explain, taken_for_granted
from bot.core.policy.facts import Facts
from bot.core.policy.hours import in_words, is_within, longest
from bot.core.policy.offers import accounts_offered, may_use
from bot.core.policy.verdict import Reason
from bot.core.policy.ways import may_go_without_a_word
from bot.core.rules import Caps, Stage

_TYPED = frozenset({"reason", "ticket", "parameter"})
"""Rules about what is still being typed: told when the form is sent, not at every choice before."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of automatic approval in words for the requester; ``holds`` ``None``: it is not known yet."""

    text: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Approvers that somebody outside of the catalogue would have to name.

    ``kind``: ``manager``, ``slack_group`` (``name``: its id), ``on_call`` (the schedule) or ``owner`` (the parameter).
    """

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class StageOutlook:
    """Who will be asked in a stage: those known, and where others come from."""

    view: StageView
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the form tells: ``longest`` is what may be asked for as it is filled in, ``limit`` what it is due to."""

    refusals: tuple[Reason, ...]
    """What would be refused, though all that is still missing were filled in."""
    automatic: tuple[Condition, ...]
    """When nobody has to be asked; none where somebody always has to be."""
    stages: tuple[StageOutlook, ...]
    longest: timedelta
    limit: str = ""
    critical: bool = False


def outlook(asking: Asking, blank: Collection[str] = ()) -> Outlook | None:
    """What will become of an ask if it is sent now; ``None`` without a role that is offered.

    ``blank`` are the form's fields that are not filled in yet: they stand open, whatever the ask says of them.
    """
    catalogue, person, facts, now = asking.catalogue, asking.requester, asking.facts, asking.now
    role = catalogue.roles.get(asking.ask.role)
    if role is None or not may_use(role, person, facts, now):
        return None
    filled = _filled(asking, role, blank)
    known, _ = with_granted(catalogue, facts, filled, person)
    found = explain(catalogue, person, filled, known, now)
    judged = replace(asking, ask=filled, facts=known)
    stages = _stages(role, person, found, facts)
    return Outlook(
        refusals=tuple(_refusals(found, stages)),
        automatic=tuple(_conditions(judged, facts)),
        stages=stages,
        longest=found.longest,
        limit=_limit(judged, found.longest),
        critical=role.critical,
    )


def with_granted(catalogue: Catalogue, known: Facts, ask: Ask, person: Person) -> tuple[Facts, tuple[str, ...]]:
    """Facts with what nobody could say taken for granted; and, in words, what of this matters for the role."""
    role = catalogue.roles.get(ask.role)
    if role is None:
        return known, ()
    granted = taken_for_granted(role, ask, person)
    names = ("ticket", "live", "automatic", "pairs", "owes_review", "extended")
    lacking = {name: getattr(granted, name) for name in names if getattr(known, name) is None}
    limited = any(caps != Caps() for caps in (role.caps, catalogue.limits))
    matters = {
        "ticket": ("the ticket is there and open", bool(role.ticket and role.ticket.tracker)),
        "live": ("no limit is reached and nothing was denied lately", limited),
        "automatic": ("it never went without a word before", role.auto is not None),
        "owes_review": ("no review is owed", ask.break_glass),
    }
    told = tuple(text for name, (text, does) in matters.items() if does and name in lacking)
    return replace(known, **lacking), told


def not_known(stage: Stage, person: Person, facts: Facts) -> tuple[Unknown, ...]:
    """Where a stage's approvers come from besides those whom the facts name."""
    return tuple(_not_known(stage, person, facts))


def _not_known(stage: Stage, person: Person, facts: Facts) -> Iterator[Unknown]:
    if stage.manager and not person.manager and facts.manager is None:
        yield Unknown("manager")
    for group in sorted(stage.slack_groups):
        if group not in facts.slack_groups:
            yield Unknown("slack_group", group)
    if stage.on_call and stage.on_call not in facts.on_call:
        yield Unknown("on_call", stage.on_call)
    if stage.owner and not facts.owners:
        yield Unknown("owner", stage.owner.parameter)


# --- pieces ----------------------------------------------------------------------------------------------


def _filled(a: Asking, role: Role, blank: Collection[str]) -> Ask:
    """With something that could be chosen in what is blank, so that the rest can be judged."""
    accounts = accounts_offered(a.catalogue, role, a.requester, a.facts, a.now)
    lasting = max(role.work, key=lambda work: longest(a.catalogue, role, work), default="")
    return replace(
        a.ask,
        account=accounts[0] if "account" in blank and accounts else a.ask.account,
        work=lasting if "work" in blank else a.ask.work,
        duration=role.shortest if "duration" in blank else a.ask.duration,
    )


def _refusals(found: Explanation, stages: Iterable[StageOutlook]) -> Iterator[Reason]:
    others_come = any(stage.unknown for stage in stages)
    for reason in found.refusals:
        leans_on_others = reason.rule == "approvers" and others_come
        if not (reason.rule in _TYPED or leans_on_others):
            yield reason


def _stages(role: Role, person: Person, found: Explanation, facts: Facts) -> tuple[StageOutlook, ...]:
    views = zip(role.stages, found.stages, strict=False)
    return tuple(StageOutlook(view, not_known(stage, person, facts)) for stage, view in views)


def _conditions(a: Asking, facts: Facts) -> Iterator[Condition]:
    """``facts`` are those that are known; the ones in ``a`` are taken for granted where they are not."""
    auto = a.role.auto
    if auto is None or a.role.critical or a.role.sensitive:
        return
    said = {reason.rule: reason.satisfied for reason in may_go_without_a_word(a).reasons}
    if auto.on_call:
        on_call = said["on-call"] if auto.on_call in facts.on_call else None
        yield Condition(f"you are {'not ' if on_call is False else ''}on call ({auto.on_call})", on_call)
    if auto.severities:
        severe = said["severity"] if facts.ticket is not None and facts.ticket.key == a.ask.ticket else None
        wanted = " or ".join(sorted(auto.severities))
        yield Condition(f"the ticket is {'not ' if severe is False else ''}{wanted}", severe)
    if auto.hours:
        hours, within = a.catalogue.hours[auto.hours], said["automatic-hours"]
        yield Condition(f"it begins {'within' if within else 'outside of'} {hours.id} ({in_words(hours)})", within)
    left = said["budget"] if facts.automatic is not None else None
    fewer, already = ("", " already") if left is False else ("fewer than ", "")
    told = f"you had it this way {fewer}{auto.times} times in {format_duration(auto.per)}{already}"
    yield Condition(told, left)


def _limit(a: Asking, most: timedelta) -> str:
    """What makes it that short: the hours, else the kind of work; empty where it is the role itself."""
    role, work = a.role, a.catalogue.work.get(a.ask.work)
    hours = a.catalogue.hours.get(role.hours)
    if hours is not None and role.outside == most and not is_within(hours, a.begins):
        return f"outside of {hours.id} ({in_words(hours)})"
    if work is not None and most < role.longest:
        return f"for {work.title}"
    return ""
