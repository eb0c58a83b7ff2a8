"""What will become of a form that is still being filled in, as far as that is known. Nothing is changed.

Whatever is not known counts for the requester here and is told as not known: the form asks nobody.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.duration import format_duration
from bot.core.model import Ask, Person
from bot.core.policy.asking import of_target
from bot.core.policy.bundles import work_of_all
from bot.core.policy.case import Asking
from bot.core.policy.explain import Explanation, StageView, TargetView, explain, taken_for_granted
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
class RoleOutlook:
    """Who will be asked for a role, stage by stage."""

    title: str
    stages: tuple[StageOutlook, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the form tells: ``longest`` is what may be asked for as it is filled in, ``limit`` what it is due to."""

    refusals: tuple[Reason, ...]
    """What would be refused, though all that is still missing were filled in."""
    automatic: tuple[Condition, ...]
    """When nobody has to be asked; none where somebody always has to be."""
    roles: tuple[RoleOutlook, ...]
    """One of an ask for one role, wherever; several of a bundle, where each has approvers of its own."""
    longest: timedelta
    limit: str = ""
    critical: bool = False


def outlook(asking: Asking, blank: Collection[str] = ()) -> Outlook | None:
    """What will become of an ask if it is sent now; ``None`` without a role that is offered.

    ``blank`` are the form's fields that are not filled in yet: they stand open, whatever the ask says of them.
    """
    roles = [asking.catalogue.roles.get(item.role) for item in asking.ask.items]
    each = [replace(asking, at=at) for at, _ in enumerate(roles)]
    if not all(role and may_use(role, of.requester, of.known, of.now) for role, of in zip(roles, each, strict=True)):
        return None
    granted, _ = with_granted(replace(asking, ask=_filled(asking, blank)))
    found = explain(granted)
    stages = [_stages(of, target) for of, target in zip(each, found.targets, strict=True)]
    named = [RoleOutlook(of.role.title, those) for of, those in zip(each, stages, strict=True)]
    shortest = min(range(len(each)), key=lambda at: found.targets[at].longest)
    return Outlook(
        refusals=tuple(_refusals(found, stages)),
        automatic=tuple(_conditions(granted, asking.facts)),
        roles=tuple(one for at, one in enumerate(named) if one not in named[:at]),
        longest=found.longest,
        limit=_limit(replace(granted, at=shortest), found.longest),
        critical=any(of.role.critical for of in each),
    )


def with_granted(asking: Asking) -> tuple[Asking, tuple[str, ...]]:
    """With what nobody could say taken for granted; and, in words, what of this matters for any of its roles."""
    each = [_granted(replace(asking, at=at)) for at, _ in enumerate(asking.ask.items)]
    (first, _), *more = each
    granted = replace(asking, facts=first, more_facts=tuple(facts for facts, _ in more))
    return granted, tuple(dict.fromkeys(text for _, told in each for text in told))


def _granted(of: Asking) -> tuple[Facts, tuple[str, ...]]:
    role, known = of.catalogue.roles.get(of.item.role), of.known
    if role is None:
        return known, ()
    granted = taken_for_granted(role, of.ask, of.requester)
    names = ("ticket", "live", "automatic", "pairs", "owes_review", "extended")
    lacking = {name: getattr(granted, name) for name in names if getattr(known, name) is None}
    limited = any(caps != Caps() for caps in (role.caps, of.catalogue.limits))
    matters = {
        "ticket": ("the ticket is there and open", bool(role.ticket and role.ticket.tracker)),
        "live": ("no limit is reached and nothing was denied lately", limited),
        "automatic": ("it never went without a word before", role.auto is not None),
        "owes_review": ("no review is owed", of.ask.break_glass),
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


def _filled(a: Asking, blank: Collection[str]) -> Ask:
    """With something that could be chosen in what is blank, so that the rest can be judged."""
    each = [replace(a, at=at) for at, _ in enumerate(a.ask.items)]
    ask, roles = a.ask, [of.role for of in each]
    accounts = _everywhere(each)
    if "account" in blank and accounts:
        more = tuple(replace(item, account=accounts[0]) for item in ask.more)
        ask = replace(ask, account=accounts[0], more=more)
    if "work" in blank:
        lasting = max(
            work_of_all(roles), key=lambda work: min(longest(a.catalogue, each, work) for each in roles), default=""
        )
        ask = replace(ask, work=lasting)
    return replace(ask, duration=max(each.shortest for each in roles)) if "duration" in blank else ask


def _everywhere(each: Sequence[Asking]) -> list[str]:
    """The accounts where all of it is offered, sorted."""
    offered = (accounts_offered(of.catalogue, of.role, of.requester, of.known, of.now) for of in each)
    return sorted(frozenset.intersection(*map(frozenset, offered)))


def _refusals(found: Explanation, stages: Sequence[Sequence[StageOutlook]]) -> Iterator[Reason]:
    """That too few could approve is not said of a target for which others come who are not known."""
    others = [any(stage.unknown for stage in each) for each in stages]
    hidden = {reason for reason in found.shared if any(others)}
    for target, come in zip(found.targets, others, strict=True):
        hidden |= {of_target(target.item, reason) for reason in target.reasons if come}
    for reason in found.refusals:
        leans_on_others = reason.rule == "approvers" and reason in hidden
        if not (reason.rule in _TYPED or leans_on_others):
            yield reason


def _stages(of: Asking, target: TargetView) -> tuple[StageOutlook, ...]:
    views = zip(of.role.stages, target.stages, strict=False)
    return tuple(StageOutlook(view, not_known(stage, of.requester, of.known)) for stage, view in views)


def _conditions(a: Asking, facts: Facts) -> Iterator[Condition]:
    """``facts`` are those that are known; the ones in ``a`` are taken for granted where they are not."""
    auto = a.role.auto
    if auto is None or a.role.critical or a.role.sensitive or a.ask.more:
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
