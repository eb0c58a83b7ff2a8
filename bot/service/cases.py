"""What the rules look at: an ask or a request, with the facts about each of its targets.

Facts from outside (the chat, the cloud) are gathered before a transaction; what the database counts, in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import policy
from bot.core.model import Absence, AccessRequest, Approval, Ask, Catalogue, Item, Part, Person, Role, Way
from bot.core.policy import Away, Facts
from bot.service.facts import QUICK, Gathering
from bot.service.ports import CloudProvider, Tx

NO_ROLE = "This role or account is no longer offered. Ask again."
NO_LONGER = {
    Way.APPROVERS: "Too few of those who approved this may approve it now.",
    Way.AUTOMATIC: "It would not be approved without a word any more. Ask again.",
}
"""Why what was approved, in this way, is not any more."""


@dataclass(frozen=True, slots=True)
class Absences:
    """Who is away now, by person id, and who was when each yes was said; see ``Facts``."""

    now: Mapping[str, Away]
    then: Mapping[str, Mapping[str, Away]]

    def on(self, facts: Facts) -> Facts:
        """Facts with them."""
        return replace(facts, away=self.now, away_then=self.then)


@dataclass(frozen=True, slots=True)
class Case:
    """A request that can still be judged, its requester, and the facts from outside for each of its items."""

    catalogue: Catalogue
    """In which the requester and the roles are."""
    request: AccessRequest
    requester: Person
    facts: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """Makes what ``core.policy`` judges. Blocks where it says that it reads the directory."""

    catalogue: Callable[[], Catalogue]
    gathering: Gathering
    providers: Mapping[str, CloudProvider]

    # --- from outside ------------------------------------------------------------------------------------

    def asking(
        self, person: Person, ask: Ask, now: datetime, *, moments: Sequence[datetime] = (), within: float = QUICK
    ) -> policy.Asking:
        """An ask with what is known outside. See ``Gathering.facts`` for ``moments`` and ``within``.

        Raises DirectoryError.
        """
        catalogue = self.catalogue()

        def outside(at: int) -> Facts:
            role = catalogue.roles.get(ask.items[at].role)
            # Nobody is asked about roles that are nothing to this person.
            if role is None or not (policy.may_use(role, person, now=now) or policy.slack_groups_of_asking(role)):
                return policy.NOTHING
            return self.gathering.facts(person, ask, at, catalogue=catalogue, moments=moments, within=within)

        facts = tuple(map(outside, range(len(ask.items))))
        return policy.Asking(catalogue, person, ask, now, facts[0], facts[1:])

    def case(self, request: AccessRequest) -> Case | None:
        """A request with what is known outside; ``None`` when access.yaml knows it no more. Raises DirectoryError."""
        catalogue = self.catalogue()
        requester = requester_in(catalogue, request)
        if requester is None:
            return None
        facts = tuple(
            self.gathering.facts(requester, request.ask, at, catalogue=catalogue)
            for at, _ in enumerate(request.ask.items)
        )
        return Case(catalogue, request, requester, facts)

    # --- what the database counts ------------------------------------------------------------------------

    def counted(self, tx: Tx, asking: policy.Asking, besides: str = "", *, hold: bool = False) -> policy.Asking:
        """With what the transaction counts for these rules, without the request ``besides``.

        Only what a role's rules use is counted. ``hold``: nothing else that is counted by the same names comes in
        between until the commit.
        """
        if any(item.role not in asking.catalogue.roles for item in asking.ask.items):
            return asking
        if hold:
            tx.guard([name for item in asking.ask.items for name in _guards(asking.catalogue, asking.ask, item)])
        away, items = absences(tx, asking.approvals), range(len(asking.ask.items))
        first, *more = (_counted(tx, replace(asking, at=at), away, besides) for at in items)
        return replace(asking, facts=first, more_facts=tuple(more))

    @staticmethod
    def approving(tx: Tx, approving: policy.Approving) -> policy.Approving:
        """With who is away, and how often the two approved for each other where a role counts that."""
        away = absences(tx, approving.request.approvals)

        def counted(each: policy.Approving) -> Facts:
            facts, rule = away.on(each.known), each.role.separation
            if extends := each.request.ask.extends:
                facts = replace(facts, extending=tx.grants_by_id([extends]).get(extends))
            if rule.pair_most is None:
                return facts
            tx.guard([f"person:{each.requester.id}", f"person:{each.approver.id}"])
            pairs = tx.approved_for_each_other(each.requester.id, each.now - rule.pair_per)
            return replace(facts, pairs=pairs)

        first, *more = map(counted, approving.each)
        return replace(approving, facts=first, more_facts=tuple(more))

    # --- what it comes to --------------------------------------------------------------------------------

    def rendered(self, catalogue: Catalogue, person: Person, ask: Ask) -> tuple[Part, ...] | policy.Verdict:
        """What each item comes to in the cloud; a refusing verdict where one cannot be written down."""
        there = person.identities.keys() & catalogue.accounts.keys()
        if not all(item.role in catalogue.roles and item.account in there for item in ask.items):
            return policy.Verdict((policy.Reason("role", False, NO_ROLE, "role"),))
        try:
            return self.parts(catalogue, person, ask)
        except ValueError as error:
            return policy.Verdict((policy.Reason("parameter", False, str(error), "params"),))

    def parts(self, catalogue: Catalogue, person: Person, ask: Ask) -> tuple[Part, ...]:
        """As ``rendered``. Raises KeyError for what is not offered, ValueError for a value that is wrong."""
        roles, accounts = catalogue.roles, catalogue.accounts
        return tuple(
            Part(
                person.identities[item.account],
                self.providers[roles[item.role].provider].render(roles[item.role], accounts[item.account], item.params),
            )
            for item in ask.items
        )

    def changed(self, request: AccessRequest, asking: policy.Asking, verdict: policy.Verdict) -> tuple[str, ...]:
        """Why what was asked could not be asked now, by its catalogue, or would be something else."""
        requester, reasons = asking.requester, [reason.text for reason in verdict.refusals]
        principals = [requester.identities.get(item.account) for item in request.ask.items]
        if principals != [part.principal for part in request.parts]:
            reasons.append("The requester's identity in this account has changed.")
        rendered = self.rendered(asking.catalogue, requester, request.ask) if verdict.allowed else ()
        if isinstance(rendered, policy.Verdict):
            reasons += [reason.text for reason in rendered.refusals]
        elif verdict.allowed and [part.policy for part in rendered] != [part.policy for part in request.parts]:
            reasons.append("The role's permissions have changed since this was asked. Ask again.")
        return tuple(reasons)


def requester_in(catalogue: Catalogue, request: AccessRequest) -> Person | None:
    """Who asked, while they, and every role that they asked for, are in the catalogue."""
    known = all(item.role in catalogue.roles for item in request.ask.items)
    return catalogue.people.get(request.ask.requester) if known else None


def to_be_asked(asking: policy.Asking) -> tuple[str, ...]:
    """Who may come to approve it (person ids): those who are there, then those who are away and may be back by then."""
    nobody_away = [replace(facts, away={}) for facts in (asking.facts, *asking.more_facts)]
    back = replace(asking, facts=nobody_away[0], more_facts=tuple(nobody_away[1:]))
    each = (replace(of, at=at).asked() for of in (asking, back) for at, _ in enumerate(asking.ask.items))
    return tuple(dict.fromkeys(person.id for people in each for person in people))


def is_approved_still(request: AccessRequest, asking: policy.Asking) -> bool:
    """Whether those who approved it, or nobody where nobody had to, would do now."""
    if request.way is Way.AUTOMATIC:
        return policy.may_go_without_a_word(asking).allowed
    if request.way is not Way.APPROVERS:
        return True
    said, everyone = [approval.person for approval in request.approvals], set[str]()
    for at, _ in enumerate(request.ask.items):
        of = replace(asking, at=at)
        sets = of.sets_with_said(policy.EVER)
        if not policy.standing(of.role.stages, sets, said).complete:
            return False
        everyone |= {person.id for each in sets for person in each}
    return len(everyone & set(said)) >= request.quorum


def _counted(tx: Tx, a: policy.Asking, away: Absences, besides: str) -> Facts:
    facts, role, item, person = away.on(a.known), a.role, a.item, a.requester.id
    if _has_limits(a.catalogue, role):
        wait = max(role.caps.cool_down, a.catalogue.limits.cool_down)
        denied = tx.last_denied(person, item.role, a.asked_when - wait) if wait else None
        facts = replace(facts, live=tx.live(person, item.role, item.account, besides), denied_at=denied)
    if role.auto is not None:
        since = a.now - role.auto.per
        facts = replace(facts, automatic=tx.decided_by_way(person, item.role, Way.AUTOMATIC, since, besides))
    if a.ask.break_glass:
        owed = (request.id for request in tx.reviews_owed(person) if request.id != besides)
        facts = replace(facts, owes_review=tuple(owed))
    if a.ask.extends:
        facts = _with_what_it_extends(tx, a, facts, besides)
    return facts


def _with_what_it_extends(tx: Tx, a: policy.Asking, facts: Facts, besides: str) -> Facts:
    old = tx.grants_by_id([a.ask.extends]).get(a.ask.extends)
    first = tx.request(old.request_id) if old else None
    others = (each for each in tx.extensions_of(a.ask.extends) if each.id != besides)
    before = any(each.status in policy.GOES_ON for each in others)
    itself = first is not None and bool(first.ask.extends)
    glass = first is not None and first.ask.break_glass
    return replace(facts, extending=old, extended=before or itself, extends_glass=glass)


def _guards(catalogue: Catalogue, ask: Ask, item: Item) -> tuple[str, ...]:
    """What has to stand still while it is counted."""
    role, caps = catalogue.roles[item.role], (catalogue.roles[item.role].caps, catalogue.limits)
    of_person = role.auto or ask.break_glass or any(each.per_person is not None for each in caps)
    wanted = {
        f"person:{ask.requester}": of_person,
        f"role:{item.role}": any(each.per_role is not None for each in caps),
        f"account:{item.account}": any(each.per_account is not None for each in caps),
        f"grant:{ask.extends}": ask.extends,
    }
    return tuple(name for name, is_so in wanted.items() if is_so)


def _has_limits(catalogue: Catalogue, role: Role) -> bool:
    return any(
        each.cool_down or any(most is not None for most in (each.per_person, each.per_role, each.per_account))
        for each in (role.caps, catalogue.limits)
    )


def absences(tx: Tx, approvals: Iterable[Approval], now: Mapping[str, Absence] | None = None) -> Absences:
    """As the transaction knows them; ``now``: what it has told already of who is away now."""
    then = {approval.person: _aways(tx.absences(approval.at)) for approval in approvals}
    return Absences(away_now(tx) if now is None else _aways(now), then)


def away_now(tx: Tx) -> Mapping[str, Away]:
    """Who is away now, by person id."""
    return _aways(tx.absences())


def _aways(absences: Mapping[str, Absence]) -> Mapping[str, Away]:
    return {person: Away(each.until, each.delegate) for person, each in absences.items()}
