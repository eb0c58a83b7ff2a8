"""Who could have what at some time, which way and under which conditions. Nothing is changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.duration import format_duration
from bot.core.model import Catalogue, Person, Role, Way
from bot.core.policy.approvers import EVER, can_be_filled, slack_groups_of_approving, stage_sets
from bot.core.policy.bundles import work_of_all
from bot.core.policy.facts import NOTHING, Facts
from bot.core.policy.hours import in_words, is_within, longest
from bot.core.policy.offers import accounts_offered, may_use
from bot.core.rules import Bundle


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

    A bundle is had by whoever could have each of its roles, the same way; only where it is named instead of a role.
    Conditions that are not known beforehand (on call, a severity, a budget) are taken to hold, and told. Members of
    Slack groups are those in ``facts``. Nobody is left out who might get it: this is for finding too wide rules.
    """
    bundle = catalogue.bundles.get(role) if role not in catalogue.roles else None
    roles = [each for each in catalogue.roles.values() if role in ("", each.id)]
    found: list[Possibility] = []
    for person in catalogue.people.values():
        if bundle is not None:
            found += _of_bundle(
                bundle, [_Chance(catalogue, each, person, facts, at) for each in _roles_of(catalogue, bundle)]
            )
        for each in roles:
            found += _of_role(_Chance(catalogue, each, person, facts, at))
    wanted = (each for each in found if account in ("", each.account))
    alone = (each for each in wanted if not without_a_second_human or each.way is not Way.APPROVERS)
    return tuple(sorted(alone, key=lambda one: (one.role, one.account, one.person.id, one.way)))


@dataclass(frozen=True, slots=True)
class _Chance:
    catalogue: Catalogue
    role: Role
    person: Person
    facts: Facts
    at: datetime

    @property
    def accounts(self) -> tuple[str, ...]:
        """Where this person may ask for it at all."""
        if not may_use(self.role, self.person, self.facts, self.at):
            return ()
        return accounts_offered(self.catalogue, self.role, self.person, self.facts, self.at)

    def longest(self, work: str) -> timedelta:
        """The longest for this kind of work then."""
        return longest(self.catalogue, self.role, work, self.at)


def _of_role(chance: _Chance) -> Iterator[Possibility]:
    accounts = chance.accounts
    most = max(map(chance.longest, chance.role.work), default=timedelta(0))
    if not accounts or most < chance.role.shortest:
        return
    for way, limit, conditions in _ways(chance, most):
        for each in accounts:
            yield Possibility(chance.person, chance.role.id, each, way, limit, conditions)


def _roles_of(catalogue: Catalogue, bundle: Bundle) -> list[Role]:
    """Each once; none where one of them is not in the catalogue."""
    roles = [catalogue.roles.get(each) for each in dict.fromkeys(role for role, _ in bundle.items)]
    return [role for role in roles if role is not None] if None not in roles else []


def _of_bundle(bundle: Bundle, chances: Sequence[_Chance]) -> Iterator[Possibility]:
    """All of it in one account, one way, for one kind of work. What goes for one target only is no way to it."""
    accounts = frozenset.intersection(*(frozenset(each.accounts) for each in chances)) if chances else frozenset()
    if not accounts:
        return
    work, least = work_of_all([each.role for each in chances]), max(each.role.shortest for each in chances)
    most = max((min(each.longest(kind) for each in chances) for kind in work), default=timedelta(0))
    ways = [{way: (limit, said) for way, limit, said in _ways(each, most)} for each in chances]
    for way in (Way.APPROVERS, Way.BREAK_GLASS):
        there = [each[way] for each in ways if way in each]
        limit = min((limit for limit, _ in there), default=timedelta(0))
        if len(there) == len(chances) and limit >= least:
            conditions = _together([(each.role.id, said) for each, (_, said) in zip(chances, there, strict=True)])
            for account in accounts:
                yield Possibility(chances[0].person, bundle.id, account, way, limit, conditions)


def _together(said: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Conditions of several roles: what is one of all of them once, the rest with the role's name."""
    common = frozenset.intersection(*(frozenset(conditions) for _, conditions in said))
    named = (text if text in common else f"{role}: {text}" for role, conditions in said for text in conditions)
    return tuple(dict.fromkeys(named))


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
