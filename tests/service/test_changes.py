"""A change of access.yaml that waits for somebody's word: by the rule in use, and nobody's who gains by it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.audit import Actor, ActorKind
from bot.core.decisions import Refusal
from bot.core.difference import difference
from bot.core.judging import Judging, gains, why_not
from bot.core.model import Catalogue, ChangeRule, Person
from bot.core.versions import Standing, Version
from bot.service.deciding import WRONG_CODE
from bot.service.ports import Store
from bot.service.records import Authenticator, BadCatalogue
from bot.service.reloading import STALE, WAITS
from bot.store import open_store
from tests.core.examples import CATALOGUE, NOW, actor
from tests.service.fakes import FakeClock, PlainBox, code_at
from tests.service.replicas import (
    BASE,
    MakeReplica,
    Replica,
    effects_of,
    guarded,
    log_of,
    tags_of,
    with_admins,
)
from tests.service.world import CLICKS_APART, at_once, secret_of

GUARDED = guarded()
CHANGED = guarded(with_admins("sam", "ravi"))
"""Ravi gains by it; of those who may approve it, nobody does."""
OTHER = guarded(with_admins("sam", "tomas"))
OPERATOR = Actor(ActorKind.OPERATOR, "root", "cli")


class Board:
    """Those who decide, at one replica."""

    def __init__(self, store: Store, clock: FakeClock, one: Replica) -> None:
        self.store, self.clock, self.one = store, clock, one
        for person in ("sam", "ines", "ravi", "maya"):
            sealed = PlainBox().seal(secret_of(person), person)
            with store.transaction() as tx:
                tx.save_authenticator(Authenticator(person, sealed, "k1", NOW, "sam"))

    def person(self, person: str) -> Person:
        return self.one.in_use().people[person]

    def code(self, person: str) -> str:
        self.clock.move(CLICKS_APART)
        return code_at(secret_of(person), self.clock.now())

    @property
    def waiting(self) -> Version:
        with self.store.transaction() as tx:
            found = tx.standing(Standing.WAITING)
        assert found is not None
        return found

    def decide(self, version: Version, person: str, *, approving: bool = True, code: str = "") -> Version | Refusal:
        return self.one.changes.decide(
            version.id, self.person(person), actor(person), code or self.code(person), approving=approving
        )

    def standing(self, version: Version) -> Standing:
        with self.store.transaction() as tx:
            found = tx.version(version.id)
        assert found is not None
        return found.standing


MakeBoard = Callable[..., Board]


@pytest.fixture
def board(store: Store, clock: FakeClock, replica: MakeReplica) -> Board:
    """Where a change waits."""
    made = Board(store, clock, replica(GUARDED))
    made.one.takes(CHANGED)
    return made


def refusal(outcome: Version | Refusal | None) -> Refusal:
    assert isinstance(outcome, Refusal), outcome
    return outcome


# --- waiting ---------------------------------------------------------------------------------------------


def test_the_very_first_file_is_taken_though_its_changes_wait(replica: MakeReplica, store: Store) -> None:
    assert replica(CHANGED).admins == {"sam", "ravi"}
    assert tags_of(store) == ["catalogue.changed"]


def test_a_change_waits_and_what_was_there_before_stays_in_use(board: Board, store: Store) -> None:
    assert (board.one.admins, board.one.problem) == ({"sam"}, WAITS)
    proposed = log_of(store)[-1]
    assert proposed["tag"] == "catalogue.proposed"
    assert proposed["data"]["counts"] == {"gained.admin": 1}
    assert effects_of(store, "chat.catalogue") == 1


def test_what_waits_is_told_once_however_many_see_it_and_however_often_they_start(
    board: Board, replica: MakeReplica, store: Store
) -> None:
    assert effects_of(store, "chat.catalogue") == 1
    for text in (CHANGED, GUARDED, CHANGED):
        late = replica(text)
        late.looks(4)
        assert late.admins == {"sam"}
    assert effects_of(store, "chat.catalogue") == 0
    assert tags_of(store) == ["catalogue.changed", "catalogue.proposed"]


def test_who_may_approve_is_said_on_the_card(board: Board) -> None:
    card = board.one.changes.card(board.waiting.id)
    assert card is not None
    assert card.approvers == ("ines", "sam")
    assert [line.text for line in card.lines] == ["Ravi Subramanian (ravi) is now an admin"]


# --- deciding --------------------------------------------------------------------------------------------


def test_with_one_approval_it_is_in_use_here_at_once_and_elsewhere_at_the_next_look(
    board: Board, replica: MakeReplica, store: Store
) -> None:
    other, change = replica(GUARDED), board.waiting
    outcome = board.decide(change, "ines")
    assert isinstance(outcome, Version)
    assert board.one.admins == {"sam", "ravi"}
    other.looks(1)
    assert other.admins == {"sam", "ravi"}
    board.one.looks(1)
    assert board.one.problem == ""
    changed = log_of(store)[-1]
    assert (changed["tag"], changed["actor"]["id"], changed["data"]["by"]) == ("catalogue.changed", "ines", "ines")
    assert changed["data"]["counts"] == {"gained.admin": 1}
    assert replica(CHANGED).admins == {"sam", "ravi"}


def test_a_denied_change_stays_denied_until_somebody_at_the_machine_asks_again(
    board: Board, replica: MakeReplica, store: Store
) -> None:
    change = board.waiting
    assert isinstance(board.decide(change, "ines", approving=False), Version)
    assert board.standing(change) is Standing.DENIED
    for each in (board.one, replica(CHANGED)):
        each.looks(4)
        assert (each.admins, each.problem) == ({"sam"}, STALE)
    assert tags_of(store)[1:] == ["catalogue.proposed", "catalogue.denied"]
    board.one.reloading.reload()
    assert board.waiting.digest == change.digest
    assert board.waiting.id != change.id


def test_the_rule_in_use_decides_not_the_one_that_is_proposed(board: Board) -> None:
    board.one.takes(guarded(with_admins("sam"), approve="{people: [ravi]}"))
    assert refusal(board.decide(board.waiting, "ravi")).code == "policy"
    board.one.takes(BASE)
    assert (board.one.problem, board.waiting.guarded) == (WAITS, False)
    card = board.one.changes.card(board.waiting.id)
    assert card is not None
    assert str(card.lines[0]) == "+ Changes of access.yaml no longer wait for approval"
    assert isinstance(board.decide(board.waiting, "sam"), Version)
    board.one.takes(with_admins("ines"))
    assert board.one.admins == {"ines"}


def test_who_gains_by_a_change_cannot_approve_it_and_can_deny_it(board: Board) -> None:
    board.one.takes(guarded(with_admins("sam", "ines")))
    change = board.waiting
    assert refusal(board.decide(change, "ines")).code == "separation"
    assert board.one.admins == {"sam"}
    assert isinstance(board.decide(change, "ines", approving=False), Version)


def test_attempts_that_may_not_be_are_logged_and_cost_no_code(board: Board, store: Store) -> None:
    change, code = board.waiting, board.code("ravi")
    assert refusal(board.decide(change, "ravi", code=code)).code == "policy"
    assert log_of(store)[-1]["tag"] == "catalogue.approval-refused"
    assert log_of(store, "step-up.") == []


def test_nothing_is_decided_with_a_wrong_code_or_one_that_was_used(board: Board) -> None:
    change, used = board.waiting, board.code("ines")
    assert board.one.changes.codes.verify("ines", used, "something else", actor("ines")) is not None
    for code in ("000000", "nonsense", used):
        assert refusal(board.decide(change, "ines", code=code)).code == WRONG_CODE
    assert board.standing(change) is Standing.WAITING


def test_a_reset_of_the_authenticator_takes_the_proof_with_it(board: Board, store: Store) -> None:
    change, verify = board.waiting, board.one.changes.codes.verify

    class ResetMeanwhile:
        """Right after the code was found right, somebody resets the authenticator."""

        def verify(self, *given: Any) -> object:
            proof = verify(*given)
            with store.transaction() as tx:
                tx.forget_step_ups("ines")
            return proof

    board.one.changes = replace(board.one.changes, codes=ResetMeanwhile())  # type: ignore[arg-type]
    assert refusal(board.decide(change, "ines")).code == "step-up"
    assert board.standing(change) is Standing.WAITING


@pytest.mark.parametrize("approving", [True, False])
def test_the_code_is_bound_to_this_word_on_this_change(board: Board, store: Store, *, approving: bool) -> None:
    change = board.waiting
    assert isinstance(board.decide(change, "ines", approving=approving), Version)
    assert log_of(store, "step-up.passed")[-1]["data"]["confirms"] == change.confirmed(approving=approving)
    assert change.confirmed(approving=True) != change.confirmed(approving=False)
    assert change.confirmed(approving=True) != replace(change, before="other").confirmed(approving=True)


def test_a_change_that_was_replaced_or_taken_back_meanwhile_cannot_be_approved(board: Board, store: Store) -> None:
    first = board.waiting
    board.one.takes(OTHER)
    second = board.waiting
    assert second.id != first.id
    assert refusal(board.decide(first, "ines")).code == "late"
    board.one.takes(GUARDED)
    assert refusal(board.decide(second, "ines")).code == "late"
    assert (board.one.admins, board.one.problem) == ({"sam"}, "")
    assert tags_of(store)[1:] == [
        "catalogue.proposed",
        "catalogue.withdrawn",
        "catalogue.proposed",
        "catalogue.withdrawn",
    ]


def test_a_replica_that_is_behind_takes_nothing_back(board: Board, replica: MakeReplica) -> None:
    behind = replica(GUARDED)
    behind.looks(3)
    assert board.waiting.digest == board.one.meaning(CHANGED).digest
    board.one.takes(OTHER)
    behind.takes(CHANGED)
    assert board.waiting.digest == board.one.meaning(OTHER).digest
    assert behind.problem == STALE


def test_of_two_who_decide_at_once_one_does(postgres_url: str, tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    store = open_store(postgres_url, clock=clock, pool_size=20)
    board = Board(store, clock, Replica(store, tmp_path / "access.yaml", GUARDED))
    board.one.takes(CHANGED)
    change, codes = board.waiting, {person: board.code(person) for person in ("sam",)}
    codes["ines"] = code_at(secret_of("ines"), clock.now())
    outcomes = at_once(
        [
            lambda: board.decide(change, "sam", code=codes["sam"]),
            lambda: board.decide(change, "ines", code=codes["ines"], approving=False),
        ]
    )
    assert sum(isinstance(each, Version) for each in outcomes) == 1
    assert sum(isinstance(each, Refusal) and each.code == "late" for each in outcomes) == 1
    assert len(tags_of(store)) == 3
    store.close()


def test_a_change_of_the_security_channel_is_told_in_the_one_that_was_there(board: Board) -> None:
    moved = CHANGED.replace("security: C0SECURITY", "security: C0ELSEWHERE")
    assert moved != CHANGED
    board.one.takes(moved)
    change = board.waiting
    assert board.one.changes.channels(change) == ("C0SECURITY",)
    approved = board.decide(change, "ines")
    assert isinstance(approved, Version)
    assert board.one.changes.channels(approved) == ("C0SECURITY", "C0ELSEWHERE")


def test_where_the_database_was_tampered_with_nothing_is_approved(board: Board, store: Store) -> None:
    change = board.waiting
    with store.transaction() as tx:
        live = tx.standing(Standing.LIVE)
        assert live is not None
        tx.save_version(replace(live, signature="00" * 64))
    assert refusal(board.decide(change, "ines")).code in {"changed", "unknown"}
    assert board.standing(change) is Standing.WAITING


# --- operators -------------------------------------------------------------------------------------------


def test_an_operator_s_word_is_enough_takes_what_waits_off_and_is_logged(board: Board, store: Store) -> None:
    change = board.waiting
    board.one.changes.use(OTHER, OPERATOR, "All approvers are away.")
    board.one.looks(1)
    assert board.one.admins == {"sam", "tomas"}
    assert board.standing(change) is Standing.WITHDRAWN
    logged = log_of(store)[-1]
    assert (logged["actor"]["kind"], logged["data"]["note"]) == ("operator", "All approvers are away.")


def test_an_operator_puts_right_what_was_tampered_with(board: Board, store: Store, replica: MakeReplica) -> None:
    with store.transaction() as tx:
        live = tx.standing(Standing.LIVE)
        assert live is not None
        tx.save_version(replace(live, signature="00" * 64))
    with pytest.raises(BadCatalogue):
        replica(GUARDED)
    board.one.changes.use(GUARDED, OPERATOR, "Put right.")
    assert replica(GUARDED).admins == {"sam"}
    assert log_of(store)[-1]["data"]["note"] == "Put right."


class Picky:
    """A source whose version of prodaccess cannot read some texts any more."""

    def __init__(self, source: Any, *unread: str) -> None:
        self.source, self.unread = source, unread

    def read(self) -> str:
        return str(self.source.read())

    def parse(self, text: str) -> Catalogue:
        if text in self.unread:
            raise BadCatalogue("an unknown key")
        made: Catalogue = self.source.parse(text)
        return made


@pytest.mark.parametrize(("before", "taken"), [(BASE, True), (GUARDED, False)], ids=["free", "guarded"])
def test_after_an_upgrade_that_cannot_read_what_is_live_the_file_counts_unless_changes_wait(
    before: str, taken: bool, replica: MakeReplica
) -> None:
    one = replica(before)
    one.says(CHANGED)
    catalogues = replace(one.catalogues, source=Picky(one.catalogues.source, before))
    if taken:
        assert catalogues.opened().admins == {"sam", "ravi"}
    else:
        with pytest.raises(BadCatalogue):
            catalogues.opened()
    assert catalogues.opened(strict=False).admins == {"sam", "ravi"}


# --- who gains -------------------------------------------------------------------------------------------

RULED = replace(CATALOGUE, changes=ChangeRule(admins=True, groups=frozenset({"leads"})))
SAM = CATALOGUE.people["sam"]


def test_who_gains_under_another_name_gains_too() -> None:
    puppet = Person("puppet", "Puppet", "SAM@example.com")
    after = replace(RULED, people={**RULED.people, "puppet": puppet}, admins=frozenset({"sam", "puppet"}))
    found = difference(RULED, after)
    assert gains(found, RULED, after, SAM)
    assert not gains(found, RULED, after, CATALOGUE.people["otto"])


def test_who_takes_over_a_colleague_s_slack_account_gains() -> None:
    mona = replace(RULED.people["mona"], slack_ids=frozenset({"U3", "U5"}))
    after = replace(RULED, people={**RULED.people, "mona": mona})
    assert gains(difference(RULED, after), RULED, after, SAM)


def test_what_a_role_gives_to_everybody_is_nobody_s_own_gain() -> None:
    role = replace(RULED.roles["vault"], longest=2 * RULED.roles["vault"].longest)
    after = replace(RULED, roles={**RULED.roles, "vault": role})
    assert not gains(difference(RULED, after), RULED, after, SAM)


def test_who_loses_something_may_say_so() -> None:
    after = replace(RULED, admins=frozenset())
    version = Version("c", "new", RULED.digest, "", Standing.WAITING, guarded=True, seen_at=NOW)
    judging = Judging(version, RULED, after, difference(RULED, after), SAM, approving=True)
    assert why_not(judging) is None
    assert refusal(why_not(replace(judging, version=replace(version, before="older")))).code == "late"
    assert refusal(why_not(replace(judging, person=CATALOGUE.people["alice"]))).code == "policy"


def test_without_a_rule_nobody_decides() -> None:
    version = Version("c", "new", CATALOGUE.digest, "", Standing.WAITING, guarded=True, seen_at=NOW)
    found = difference(CATALOGUE, RULED)
    assert refusal(why_not(Judging(version, CATALOGUE, RULED, found, SAM, approving=True))).code == "policy"
    assert json.dumps(dict(found.counts))
