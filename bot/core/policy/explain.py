"""What would be, and why: an ask with every rule of it, target by target. Nothing is changed.

What only the running service knows (what is live, who owes a review, what a tracker says) has to be handed over or
taken for granted; ``taken_for_granted`` says what that is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.core.duration import format_duration
from bot.core.model import Ask, Catalogue, Item, Person, Role, Way
from bot.core.policy.approvers import EVER
from bot.core.policy.asking import Judged, judged, of_target
from bot.core.policy.case import Asking
from bot.core.policy.facts import Facts, Live, TicketFact
from bot.core.policy.hours import is_within, opens_after
from bot.core.policy.lengths import longest_of
from bot.core.policy.offers import accounts_offered, may_use
from bot.core.policy.verdict import Reason, Verdict
from bot.core.policy.ways import may_go_without_a_word, way_of
from bot.core.rules import Stage


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage and who could approve there: at once, and later or where too few are there."""

    title: str
    needed: int
    at_once: tuple[Person, ...]
    later: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target of an ask: what is so of it besides what is so of all, and who could approve it."""

    item: Item
    reasons: tuple[Reason, ...]
    open: tuple[Reason, ...]
    """Of ``reasons``."""
    stages: tuple[StageView, ...]
    longest: timedelta
    """The longest that could be asked for; none where the role is not offered."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of an ask. ``open`` are the fields that are not filled in yet; they count against nothing here."""

    verdict: Verdict
    """That of ``may_ask``."""
    open: tuple[Reason, ...]
    """Of the verdict's reasons."""
    shared: tuple[Reason, ...]
    """What is so of every target; all there is where there is one only."""
    targets: tuple[TargetView, ...]
    way: Way
    automatic: Verdict
    remedies: tuple[str, ...]
    """What would make it pass."""

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """Why it would be refused, though every field were filled in."""
        return tuple(reason for reason in self.verdict.refusals if reason not in self.open)

    @property
    def passes(self) -> bool:
        """Whether it could be asked for once every field is filled in."""
        return bool(self.verdict.reasons) and not self.refusals

    @property
    def longest(self) -> timedelta:
        """The longest that could be asked for, of all targets together."""
        return min(target.longest for target in self.targets)


def explain(asking: Asking) -> Explanation:
    """What would become of an ask if it were sent now, all of its targets: each rule of each, with what is known."""
    found = judged(asking)
    each = [replace(asking, at=at) for at, _ in enumerate(found.items)]
    targets = tuple(_target(of, own) for of, own in zip(each, found.own, strict=True))
    unfilled = [reason for reason in found.shared if _is_open(reason, each[0])]
    unfilled += [of_target(target.item, reason) for target in targets for reason in target.open]
    return Explanation(
        verdict=found.verdict,
        open=tuple(dict.fromkeys(unfilled)),
        shared=found.shared,
        targets=targets,
        way=way_of(asking),
        automatic=may_go_without_a_word(asking),
        remedies=tuple(dict.fromkeys(_remedies(found, each))),
    )


def _target(of: Asking, own: tuple[Reason, ...]) -> TargetView:
    role = of.catalogue.roles.get(of.item.role)
    hidden = role is None or not may_use(role, of.requester, of.known, of.now)
    return TargetView(
        item=of.item,
        reasons=own,
        open=tuple(reason for reason in own if _is_open(reason, of)),
        stages=() if role is None or hidden else _stages(of, role),
        longest=timedelta(0) if role is None or hidden else _longest(of, role),
    )


def _remedies(found: Judged, each: Sequence[Asking]) -> Iterator[str]:
    """What is so of every target is mended in each of them, but said once where that is the same."""
    for reason in found.shared:
        if not reason.satisfied and not _is_open(reason, each[0]):
            yield from dict.fromkeys(_remedy(of, reason) for of in each)
    for of, own in zip(each, found.own, strict=True):
        wrong = (reason for reason in own if not reason.satisfied and not _is_open(reason, of))
        yield from (f"{of.item.role} in {of.item.account}: {_remedy(of, reason)}" for reason in wrong)


def taken_for_granted(role: Role, ask: Ask, person: Person, on_call: Iterable[str] = ()) -> Facts:
    """Facts that hide no rule: nothing is live, denied, used up or owed; the ticket is open and as severe as it takes.

    ``on_call`` are schedules by which the person is on call; nobody is by any other.
    """
    severities = sorted(role.auto.severities) if role.auto else []
    return Facts(
        on_call=dict.fromkeys(on_call, (person,)),
        ticket=TicketFact(ask.ticket, found=True, open=True, severity=severities[0] if severities else ""),
        live=Live(),
        automatic=(),
        pairs={},
        owes_review=(),
        extended=False,
        extends_glass=False,
    )


def _is_open(reason: Reason, of: Asking) -> bool:
    if reason.satisfied:
        return False
    match reason.rule:
        case "reason":
            return not of.ask.reason
        case "ticket" | "tracker":
            return not of.ask.ticket
        case "parameter":
            return bool(reason.field) and not of.item.params.get(reason.field)
    return False


def _longest(asking: Asking, role: Role) -> timedelta:
    hours = asking.catalogue.hours.get(role.hours)
    shut = hours is not None and role.outside is None and not is_within(hours, asking.begins)
    return timedelta(0) if shut else longest_of(asking)


def _stages(asking: Asking, role: Role) -> tuple[StageView, ...]:
    return tuple(
        _view(stage, at, sets) for at, (stage, sets) in enumerate(zip(role.stages, _now_and_ever(asking), strict=True))
    )


def _now_and_ever(asking: Asking) -> Iterator[tuple[tuple[Person, ...], tuple[Person, ...]]]:
    yield from zip(asking.sets(), asking.sets(EVER), strict=True)


def _view(stage: Stage, at: int, sets: tuple[tuple[Person, ...], tuple[Person, ...]]) -> StageView:
    at_once, ever = sets
    known = {person.id for person in at_once}
    later = tuple(person for person in ever if person.id not in known)
    return StageView(stage.title or f"stage {at + 1}", max(1, stage.quorum), at_once, later)


def _remedy(asking: Asking, reason: Reason) -> str:
    """What would satisfy a rule, as far as that can be said."""
    role = asking.catalogue.roles.get(asking.item.role)
    match reason.rule:
        case "role":
            return f"be named by “ask” of {asking.item.role} in access.yaml" if role else "ask for a role that there is"
        case "account" if role is not None:
            offered = accounts_offered(asking.catalogue, role, asking.requester, asking.known, asking.now)
            return f"ask in {' or '.join(offered)}" if offered else "have an identity, and be let in, in its accounts"
        case "duration":
            most = longest_of(asking)
            return f"ask for {format_duration(most)} or less, but for {format_duration(asking.role.shortest)} or more"
        case "hours":
            hours = asking.catalogue.hours[asking.role.hours]
            opens = opens_after(hours, asking.begins)
            local = opens.astimezone(ZoneInfo(hours.zone)) if opens else None
            return f"start at {local:%Y-%m-%d %H:%M} {hours.zone}" if local else "give these hours a day"
        case "approvers":
            return "let access.yaml name more approvers who are not the requester"
    return reason.text


def filled_in(catalogue: Catalogue, ask: Ask) -> Ask:
    """``ask`` with the roles' defaults, or the first of the choices, for the parameters that it leaves out."""
    first, *more = (_filled_in(catalogue.roles.get(item.role), item) for item in ask.items)
    return replace(ask, params=first.params, more=tuple(more))


def _filled_in(role: Role | None, item: Item) -> Item:
    parameters = role.parameters if role else ()
    made = {each.id: each.default or (each.choices[0] if each.choices else "") for each in parameters}
    return replace(item, params={key: value for key, value in {**made, **item.params}.items() if value})
