"""What would be, and why: an ask with every rule of it, and who could have what at some time. Nothing is changed.

What only the running service knows (what is live, who owes a review, what a tracker says) has to be handed over or
taken for granted; ``taken_for_granted`` says what that is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.duration import format_duration
from bot.core.model import Ask, Catalogue, Person, Role, Way
from bot.core.policy.approvers import EVER, can_be_filled, slack_groups_of_approving, stage_sets
from bot.core.policy.asking import may_ask
from bot.core.policy.case import Asking
from bot.core.policy.facts import NOTHING, Facts, Live, TicketFact
from bot.core.policy.hours import in_words, is_within, longest, opens_after
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
class Explanation:
    """What becomes of an ask. ``open`` are the fields that are not filled in yet; they count against nothing here."""

    verdict: Verdict
    open: tuple[Reason, ...]
    way: Way
    automatic: Verdict
    stages: tuple[StageView, ...]
    longest: timedelta
    """The longest that could be asked for; none where the role is not offered."""
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


def explain(catalogue: Catalogue, person: Person, ask: Ask, facts: Facts, now: datetime) -> Explanation:
    """What would become of ``ask`` if this person sent it at ``now`` (UTC)."""
    asking = Asking(catalogue, person, ask, now, facts)
    verdict = may_ask(asking)
    role = catalogue.roles.get(ask.role)
    hidden = role is None or not may_use(role, person, facts, now)
    unfilled = tuple(reason for reason in verdict.refusals if _is_open(reason, ask))
    return Explanation(
        verdict=verdict,
        open=unfilled,
        way=way_of(asking),
        automatic=may_go_without_a_word(asking),
        stages=() if role is None or hidden else _stages(asking, role),
        longest=timedelta(0) if role is None or hidden else _longest(asking, role),
        remedies=tuple(dict.fromkeys(_remedy(asking, each) for each in verdict.refusals if each not in unfilled)),
    )


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


def _is_open(reason: Reason, ask: Ask) -> bool:
    match reason.rule:
        case "reason":
            return not ask.reason
        case "ticket" | "tracker":
            return not ask.ticket
        case "parameter":
            return bool(reason.field) and not ask.params.get(reason.field)
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
    role = asking.catalogue.roles.get(asking.ask.role)
    match reason.rule:
        case "role":
            return f"be named by “ask” of {asking.ask.role} in access.yaml" if role else "ask for a role that there is"
        case "account" if role is not None:
            offered = accounts_offered(asking.catalogue, role, asking.requester, asking.facts, asking.now)
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


# --- who can ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Possibility:
    """A way in which somebody could have a role in an account, under these conditions."""

    person: Person
    role: str
    account: str
    way: Way
    longest: timedelta
    conditions: tuple[str, ...] = ()


def who_can(
    catalogue: Catalogue,
    role: str = "",
    account: str = "",
    *,
    at: datetime,
    without_a_second_human: bool = False,
    facts: Facts = NOTHING,
) -> tuple[Possibility, ...]:
    """Who could have a role in an account when it begins at ``at`` (UTC); every role or account where none is named.

    Conditions that are not known beforehand (on call, a severity, a budget) are taken to hold, and told. Members of
    Slack groups are those in ``facts``. Nobody is left out who might get it: this is for finding too wide rules.
    """
    roles = [each for each in catalogue.roles.values() if role in ("", each.id)]
    found = (
        possibility
        for each in roles
        for person in catalogue.people.values()
        if may_use(each, person, facts, at)
        for possibility in _possibilities(_Chance(catalogue, each, person, facts, at), account)
    )
    alone = (each for each in found if not without_a_second_human or each.way is not Way.APPROVERS)
    return tuple(sorted(alone, key=lambda one: (one.role, one.account, one.person.id, one.way)))


@dataclass(frozen=True, slots=True)
class _Chance:
    catalogue: Catalogue
    role: Role
    person: Person
    facts: Facts
    at: datetime


def _possibilities(chance: _Chance, account: str) -> Iterator[Possibility]:
    offered = accounts_offered(chance.catalogue, chance.role, chance.person, chance.facts, chance.at)
    wanted = [each for each in offered if account in ("", each)]
    lengths = (longest(chance.catalogue, chance.role, work, chance.at) for work in chance.role.work)
    most = max(lengths, default=timedelta(0))
    if not wanted or most < chance.role.shortest:
        return
    for way, limit, conditions in _ways(chance, most):
        for each in wanted:
            yield Possibility(chance.person, chance.role.id, each, way, limit, conditions)


def _ways(chance: _Chance, most: timedelta) -> Iterator[tuple[Way, timedelta, tuple[str, ...]]]:
    role = chance.role
    ticket = (f"names a ticket such as {role.ticket.hint or role.ticket.pattern}",) if role.ticket else ()
    sets = stage_sets(chance.catalogue, role, chance.person, chance.facts, waited=EVER, now=chance.at)
    if can_be_filled(role.stages, sets) or _is_open_to_others(role):
        yield Way.APPROVERS, most, (f"{role.quorum} approve", *ticket)
    if role.critical:
        return
    if (conditions := _automatic(chance)) is not None and not role.sensitive:
        yield Way.AUTOMATIC, most, (*conditions, *ticket)
    if role.break_glass:
        within = format_duration(role.break_glass.review_within)
        yield Way.BREAK_GLASS, min(most, role.break_glass.longest), (f"is reviewed within {within}", *ticket)
    if role.extend and not role.extend.approval:
        yield Way.EXTENSION, min(most, role.extend.longest), ("has it already, for the first time", *ticket)


def _automatic(chance: _Chance) -> tuple[str, ...] | None:
    auto = chance.role.auto
    if auto is None:
        return None
    conditions = [f"is on call by {auto.on_call}"] if auto.on_call else []
    conditions += [f"the ticket is {' or '.join(sorted(auto.severities))}"] if auto.severities else []
    if auto.hours:
        hours = chance.catalogue.hours[auto.hours]
        if not is_within(hours, chance.at):
            return None
        conditions.append(f"within {auto.hours} ({in_words(hours)})")
    return (*conditions, f"at most {auto.times} times in {format_duration(auto.per)}")


def _is_open_to_others(role: Role) -> bool:
    """Whether approvers may come from what is not in the catalogue."""
    named = (stage.owner or stage.on_call or stage.manager for stage in role.stages)
    return any(named) or bool(slack_groups_of_approving(role))


def filled_in(role: Role, ask: Ask, params: Mapping[str, str]) -> Ask:
    """``ask`` with these parameters, and with defaults or the first of the choices for the rest."""
    made = {each.id: each.default or (each.choices[0] if each.choices else "") for each in role.parameters}
    return replace(ask, params={key: value for key, value in {**made, **params}.items() if value})
