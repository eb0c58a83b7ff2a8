"""A code counts once, in its time, and every try is counted before anything is compared."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import StepUp
from bot.core.stepup import LOCK_FOR
from bot.service.proof import Codes
from bot.store import open_store
from tests.core.examples import NOW, actor
from tests.databases import postgres_server, postgres_url, sqlite_url
from tests.service.enrolling import STEP, Office, Phone
from tests.service.fakes import FakeClock

__all__ = ["postgres_server", "postgres_url", "sqlite_url"]

ALICE = actor("alice")


@pytest.fixture
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    """On SQLite, or where ``on_both`` says."""
    kind = getattr(request, "param", "sqlite")
    url = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[kind])
    clock = FakeClock(NOW)
    store = open_store(url, clock=clock, pool_size=24)
    yield Office(store, clock)
    store.close()


on_both = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def phone(office: Office) -> Phone:
    return office.has_phone("alice")


def verify(office: Office, code: str, confirms: str = "digest") -> StepUp | None:
    return office.codes.verify("alice", code, confirms, ALICE)


def failures(office: Office) -> int:
    authenticator = office.authenticator("alice")
    assert authenticator is not None
    return authenticator.attempts.failures


@on_both
def test_a_right_code_proves_what_it_was_typed_for(office: Office, phone: Phone) -> None:
    proof = verify(office, phone.code(), "this request")
    assert proof is not None
    assert (proof.person, proof.at, proof.confirms) == ("alice", NOW, "this request")
    with office.store.transaction() as tx:
        assert tx.latest_step_up("alice", "this request") == proof
        assert tx.latest_step_up("alice", "another") is None
    assert office.tags("step-up.") == ["step-up.passed"]


def test_a_code_counts_once(office: Office, phone: Phone) -> None:
    code = phone.code()
    assert verify(office, code)
    assert verify(office, code) is None
    office.clock.move(STEP)
    assert verify(office, code) is None


@on_both
def test_two_codes_in_turn_are_no_way_around(office: Office, phone: Phone) -> None:
    """A, B, A, B: "not the last one" would let the third through."""
    a = phone.code(-1)
    b = phone.code()
    assert verify(office, a)
    assert verify(office, b)
    assert verify(office, a) is None
    assert verify(office, b) is None


def test_an_older_code_is_worth_nothing_after_a_newer_one(office: Office, phone: Phone) -> None:
    assert verify(office, phone.code())
    assert verify(office, phone.code(-1)) is None


@pytest.mark.parametrize(("steps", "counts"), [(-3, False), (-2, False), (-1, True), (0, True), (1, False), (2, False)])
def test_this_step_and_the_one_before_are_accepted(office: Office, phone: Phone, steps: int, counts: bool) -> None:
    assert (verify(office, phone.code(steps)) is not None) is counts


def test_a_code_ends_with_the_step_after_its_own(office: Office, phone: Phone) -> None:
    code = phone.code()
    office.clock.move(2 * STEP - timedelta(microseconds=1))
    assert verify(office, code)
    other = phone.code(-1)
    office.clock.move(timedelta(microseconds=1))
    assert verify(office, other) is None


@pytest.mark.parametrize("spoil", ["full-width", "spaces", "short", "long", "newline", "letters", "empty", "Arabic"])
def test_what_is_not_six_ascii_digits_is_refused_without_being_counted(
    office: Office, phone: Phone, spoil: str
) -> None:
    code = phone.code()
    spoiled = {
        "full-width": "".join(chr(ord(digit) + 0xFEE0) for digit in code),
        "spaces": f"{code[:3]} {code[3:]}",
        "short": code[:5],
        "long": code + "0",
        "newline": code + "\n",
        "letters": "abcdef",
        "empty": "",
        "Arabic": "".join(chr(ord(digit) - ord("0") + 0x660) for digit in code),
    }[spoil]
    assert verify(office, spoiled) is None
    assert failures(office) == 0
    assert office.tags() == []
    assert verify(office, code), "the code itself is still good"


@on_both
def test_five_failures_lock_for_thirty_minutes(office: Office, phone: Phone) -> None:
    for _ in range(5):
        assert verify(office, phone.wrong_code()) is None
    assert verify(office, phone.code()) is None
    office.clock.move(LOCK_FOR - timedelta(seconds=1))
    assert verify(office, phone.code()) is None
    office.clock.move(timedelta(seconds=1))
    assert verify(office, phone.code()) is not None
    assert office.tags("step-up.locked") == ["step-up.locked"]
    assert timedelta(minutes=30) == LOCK_FOR


def test_tries_during_the_lock_do_not_lengthen_it(office: Office, phone: Phone) -> None:
    for _ in range(5):
        verify(office, phone.wrong_code())
    for _ in range(29):
        office.clock.move(timedelta(minutes=1))
        verify(office, phone.wrong_code())
    office.clock.move(timedelta(minutes=1))
    assert verify(office, phone.code()) is not None


def test_a_right_code_takes_the_count_back(office: Office, phone: Phone) -> None:
    for _ in range(4):
        verify(office, phone.wrong_code())
    assert verify(office, phone.code())
    assert failures(office) == 0


def test_after_a_lock_one_failure_is_one_failure(office: Office, phone: Phone) -> None:
    for _ in range(5):
        verify(office, phone.wrong_code())
    office.clock.move(LOCK_FOR)
    verify(office, phone.wrong_code())
    assert failures(office) == 1


class BrokenBox:
    """Opens nothing: the process dies between the count and the comparison."""

    key_id = "k1"

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        raise AssertionError("not asked for")

    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        raise KeyboardInterrupt


@on_both
def test_an_attempt_counts_even_when_the_process_dies_before_it_compares(office: Office, phone: Phone) -> None:
    dying: Codes = replace(office.codes, box=BrokenBox())
    for tried in range(1, 6):
        with pytest.raises(KeyboardInterrupt):
            dying.verify("alice", phone.code(), "digest", ALICE)
        assert failures(office) == tried
    assert verify(office, phone.code()) is None, "five tries lock, compared or not"


@on_both
def test_one_code_sent_twenty_times_at_once_is_one_proof(office: Office, phone: Phone) -> None:
    code, together = phone.code(), threading.Barrier(20)

    def one(_: int) -> StepUp | None:
        together.wait()
        return verify(office, code)

    with ThreadPoolExecutor(20) as pool:
        proofs = [proof for proof in pool.map(one, range(20)) if proof is not None]
    assert len(proofs) == 1
    assert office.tags("step-up.passed") == ["step-up.passed"]


@on_both
def test_guesses_made_at_once_are_all_counted(office: Office, phone: Phone) -> None:
    together, wrong = threading.Barrier(20), phone.wrong_code()

    def one(_: int) -> StepUp | None:
        together.wait()
        return verify(office, wrong)

    with ThreadPoolExecutor(20) as pool:
        assert not any(pool.map(one, range(20)))
    assert failures(office) == 5, "the lock lets no more than five be compared"
    assert office.tags("step-up.").count("step-up.failed") == 5


def test_who_is_not_enrolled_proves_nothing(office: Office) -> None:
    assert verify(office, "123456") is None
    assert office.tags() == []


def test_no_record_holds_the_code(office: Office, phone: Phone) -> None:
    code, wrong = phone.code(), "918273"
    assert wrong not in {phone.code(steps) for steps in range(-2, 2)}
    verify(office, wrong)
    verify(office, code)
    for record in office.log():
        assert record["data"] in ({}, {"confirms": "digest", "id": record["data"].get("id")})  # type: ignore[attr-defined]
        assert wrong not in str(record)
