"""A chat account alone neither enrols nor resets; what is shown is shown once; what counts counts once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.audit import Tag
from bot.core.decisions import Decision, Refusal
from bot.core.model import LANES, EndReason, GrantStatus, Person, RequestStatus
from bot.service.clock import DatabaseClock
from bot.service.effects import Runner
from bot.service.enrolment import OPERATOR
from bot.service.enrolment_secret import SecretShown
from bot.service.enrolment_steps import CONFIRM_WITHIN, SHOW_WITHIN, VOUCH_WITHIN
from bot.service.granting import Granting
from bot.service.ports import SecretBox
from bot.service.records import Enrolment, EnrolmentStatus
from bot.store import open_store
from tests.core.examples import ASK, CATALOGUE, HOUR, MINUTE, NOW, actor
from tests.databases import postgres_server, postgres_url, sqlite_url
from tests.service.enrolling import STEP, Office, Phone
from tests.service.fakes import FakeClock

__all__ = ["postgres_server", "postgres_url", "sqlite_url"]

SECOND = timedelta(seconds=1)


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


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


# --- the way that it goes --------------------------------------------------------------------------------


@on_both
def test_vouched_for_shown_and_confirmed_by_two_codes_a_person_is_enrolled(office: Office) -> None:
    manager = office.has_phone("mona")
    vouched = office.vouched("alice", "mona", manager)
    assert (vouched.status, vouched.vouched_by) == (EnrolmentStatus.VOUCHED, "mona")
    secret, phone = office.shown(vouched)
    first = phone.code()
    office.clock.move(STEP)
    done = office.enrolments.confirm(vouched.id, office.person("alice"), first, phone.code(), actor("alice"))
    assert isinstance(done, Enrolment)
    assert done.status is EnrolmentStatus.DONE
    assert office.enrolments.is_enrolled("alice")
    assert office.tags("mfa.") == [
        "mfa.enrolment-requested",
        "mfa.vouched",
        "mfa.secret-shown",
        "mfa.enrolled",
    ]
    assert len(phone.secret) == 20
    assert secret.otpauth.startswith("otpauth://totp/prodaccess:alice%40example.com?secret=")


def test_the_enrolled_secret_is_the_shown_one_and_is_kept_in_one_place(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    before = office.stored(vouched.id)
    assert phone.secret not in before.sealed
    confirm(office, vouched, phone)
    after, authenticator = office.stored(vouched.id), office.authenticator("alice")
    assert (after.sealed, after.link_hash) == (b"", "")
    assert authenticator is not None
    assert office.codes.open(authenticator) == phone.secret


def confirm(office: Office, enrolment: Enrolment, phone: Phone) -> Enrolment:
    """Type both codes as they come."""
    first = phone.code()
    office.clock.move(STEP)
    second = phone.code()
    done = office.enrolments.confirm(enrolment.id, office.person(enrolment.person), first, second, actor("alice"))
    assert isinstance(done, Enrolment), done
    return done


def test_neither_code_of_the_enrolment_proves_anything_else(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    confirm(office, vouched, phone)
    assert office.codes.verify("alice", phone.code(), "digest", actor("alice")) is None
    assert office.codes.verify("alice", phone.code(-1), "digest", actor("alice")) is None
    office.clock.move(STEP)
    assert office.codes.verify("alice", phone.code(), "digest", actor("alice")) is not None


def test_the_first_code_may_be_two_steps_old_when_the_second_is_sent(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    first = phone.code()
    office.clock.move(2 * STEP)
    done = office.enrolments.confirm(vouched.id, office.person("alice"), first, phone.code(-1), actor("alice"))
    assert isinstance(done, Enrolment)


@pytest.mark.parametrize(
    ("first", "second"),
    [(0, 0), (0, -1), (-2, 0), (0, 1), (-3, -2), (1, 2)],
    ids=["the same twice", "backwards", "with a gap", "from the future", "too old", "both from the future"],
)
def test_codes_that_are_not_in_a_row_and_recent_do_not_count(office: Office, first: int, second: int) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    typed = office.enrolments.confirm(
        vouched.id, office.person("alice"), phone.code(first), phone.code(second), actor("alice")
    )
    assert code_of(typed) == "code"
    assert not office.enrolments.is_enrolled("alice")


@pytest.mark.parametrize("text", ["１２３４５６", "12345", "1234567", "12 456", "", "12345\n", "abcdef"])
def test_what_is_not_six_ascii_digits_is_refused_without_being_counted(office: Office, text: str) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    for first, second in ((text, phone.code()), (phone.code(-1), text)):
        assert code_of(office.enrolments.confirm(vouched.id, office.person("alice"), first, second, actor("alice")))
    assert office.stored(vouched.id).attempts.failures == 0


# --- who may vouch ---------------------------------------------------------------------------------------


def test_enrolled_admins_and_approvers_of_a_role_for_the_person_may_vouch(office: Office) -> None:
    for person in ("sam", "mona", "bob"):
        office.has_phone(person)
    assert [person.id for person in office.enrolments.vouchers("alice")] == ["mona", "sam"]
    assert office.enrolments.may_vouch(office.person("mona"), "alice")
    assert not office.enrolments.may_vouch(office.person("otto"), "alice"), "an approver, but not enrolled"
    assert not office.enrolments.may_vouch(office.person("bob"), "alice"), "enrolled, but a colleague"


def test_nobody_can_ask_while_nobody_could_vouch(office: Office) -> None:
    outcome = office.enrolments.request(office.person("alice"), actor("alice"))
    assert code_of(outcome) == "policy"
    assert office.tags() == []


def test_a_member_of_a_slack_group_of_approvers_may_vouch(office: Office) -> None:
    office.directory.groups["S1"] = frozenset({"U9"})
    office.has_phone("slack:U9")
    assert [person.id for person in office.enrolments.vouchers("alice")] == ["slack:U9"]
    office.directory.change("U9", refused="Deactivated.")
    assert office.enrolments.vouchers("alice") == ()


def test_admins_and_approvers_of_the_catalogue_may_vouch_while_slacks_directory_is_away(office: Office) -> None:
    office.has_phone("mona")
    office.has_phone("slack:U9")
    office.directory.groups["S1"] = frozenset({"U9"})
    office.directory.down = True
    assert [person.id for person in office.enrolments.vouchers("alice")] == ["mona"]
    assert office.enrolments.vouchers("slack:U9") == (), "who cannot be looked up cannot be vouched for"


@pytest.mark.parametrize(
    "same",
    [
        Person("alice2", "Alice again", slack_ids=frozenset({"U1"})),
        Person("alice2", "Alice again", "ALICE@example.com"),
        Person("alice2", "Alice again", identities={"payments": "user/alice"}),
    ],
    ids=["Slack id", "e-mail", "cloud identity"],
)
def test_nobody_vouches_for_themselves_by_any_identity(office: Office, same: Person) -> None:
    people = {**CATALOGUE.people, same.id: same}
    office.catalogue = replace(CATALOGUE, people=people, admins=frozenset({"sam", same.id}))
    office.has_phone("sam")
    phone = office.has_phone(same.id)
    asked = office.requested("alice")
    assert same.id not in {person.id for person in office.enrolments.vouchers("alice")}
    assert code_of(office.enrolments.vouch(asked.id, same, phone.code(), actor(same.id))) == "policy"
    assert office.stored(asked.id).status is EnrolmentStatus.REQUESTED


def test_a_voucher_who_came_with_the_persons_chat_account_is_refused(office: Office) -> None:
    phone = office.has_phone("mona")
    asked = office.requested("alice")
    both = replace(office.person("mona"), slack_ids=frozenset({"U1", "U3"}))
    assert code_of(office.enrolments.vouch(asked.id, both, phone.code(), actor("mona"))) == "policy"


def test_a_voucher_needs_their_own_code(office: Office) -> None:
    manager, admin = office.has_phone("mona"), office.has_phone("sam")
    asked = office.requested("alice")
    for code in (manager.wrong_code(), admin.code(), ""):
        assert code_of(office.enrolments.vouch(asked.id, office.person("mona"), code, actor("mona"))) == "code"
    assert office.stored(asked.id).status is EnrolmentStatus.REQUESTED


def test_one_code_vouches_for_one_person(office: Office) -> None:
    manager = office.has_phone("sam")
    office.vouched("alice", "sam", manager)
    second = office.requested("bob")
    assert code_of(office.enrolments.vouch(second.id, office.person("sam"), manager.code(), actor("sam"))) == "code"


def test_the_vouchers_proof_is_for_this_enrolment_only(office: Office) -> None:
    admin, confirmed = office.has_phone("sam"), set()
    for person_id in ("alice", "bob"):
        office.vouched(person_id, "sam", admin)
        with office.store.transaction() as tx:
            proof = tx.latest_step_up("sam")
        assert proof is not None
        confirmed.add(proof.confirms)
        office.clock.move(STEP)
    assert len(confirmed) == 2


def test_who_does_not_believe_it_stops_it_at_any_point_without_a_code(office: Office) -> None:
    manager = office.has_phone("mona")
    vouched = office.vouched("alice", "mona", manager)
    _, phone = office.shown(vouched)
    refused = office.enrolments.refuse(vouched.id, office.person("mona"), actor("mona"))
    assert isinstance(refused, Enrolment)
    assert refused.sealed == b""
    first = phone.code()
    office.clock.move(STEP)
    typed = office.enrolments.confirm(vouched.id, office.person("alice"), first, phone.code(), actor("alice"))
    assert code_of(typed) == "late"
    assert code_of(office.enrolments.refuse(vouched.id, office.person("mona"), actor("mona"))) == "late"
    assert office.tags("mfa.vouching-refused") == ["mfa.vouching-refused"]


def test_the_person_themselves_cannot_refuse_or_vouch(office: Office) -> None:
    office.has_phone("mona")
    asked = office.requested("alice")
    alice = office.person("alice")
    assert code_of(office.enrolments.refuse(asked.id, alice, actor("alice"))) == "policy"
    assert code_of(office.enrolments.vouch(asked.id, alice, "123456", actor("alice"))) == "policy"


# --- once, and in time -----------------------------------------------------------------------------------


def test_the_secret_is_shown_once(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    seen, _ = office.shown(vouched)
    again = office.enrolments.show(vouched.id, office.person("alice"), actor("alice"))
    assert code_of(again) == "late"
    for part in (seen.otpauth, seen.secret, seen.page_url):
        assert part not in repr(seen)


def test_only_its_owner_sees_the_secret_and_confirms_it(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    assert code_of(office.enrolments.show(vouched.id, office.person("bob"), actor("bob"))) == "unknown"
    _, phone = office.shown(vouched)
    first = phone.code()
    office.clock.move(STEP)
    typed = office.enrolments.confirm(vouched.id, office.person("bob"), first, phone.code(), actor("bob"))
    assert code_of(typed) == "unknown"
    assert office.stored(vouched.id).attempts.failures == 0


def test_nothing_is_shown_before_someone_vouched(office: Office) -> None:
    office.has_phone("mona")
    asked = office.requested("alice")
    assert code_of(office.enrolments.show(asked.id, office.person("alice"), actor("alice"))) == "early"
    assert office.stored(asked.id).sealed == b""


def test_asking_again_while_it_waits_is_the_same_enrolment(office: Office) -> None:
    office.has_phone("mona")
    assert office.requested("alice").id == office.requested("alice").id
    assert office.tags("mfa.") == ["mfa.enrolment-requested"]


def test_asking_again_after_the_secret_was_shown_needs_a_voucher_again(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    again = office.requested("alice")
    assert (again.id != vouched.id, again.status) == (True, EnrolmentStatus.REQUESTED)
    first = phone.code()
    office.clock.move(STEP)
    typed = office.enrolments.confirm(vouched.id, office.person("alice"), first, phone.code(), actor("alice"))
    assert code_of(typed) == "late"


def test_every_step_has_its_time(office: Office) -> None:
    manager = office.has_phone("mona")
    alice = office.person("alice")
    asked = office.requested("alice")
    office.clock.move(VOUCH_WITHIN)
    assert code_of(office.enrolments.vouch(asked.id, office.person("mona"), manager.code(), actor("mona"))) == "gone"
    vouched = office.vouched("alice", "mona", manager)
    office.clock.move(SHOW_WITHIN)
    assert code_of(office.enrolments.show(vouched.id, alice, actor("alice"))) == "gone"
    last = office.vouched("alice", "mona", manager)
    _, phone = office.shown(last)
    office.clock.move(CONFIRM_WITHIN)
    typed = office.enrolments.confirm(last.id, alice, phone.code(-1), phone.code(), actor("alice"))
    assert code_of(typed) == "gone"


def test_one_second_before_the_end_is_in_time(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    office.clock.move(CONFIRM_WITHIN - SECOND)
    typed = office.enrolments.confirm(vouched.id, office.person("alice"), phone.code(-1), phone.code(), actor("alice"))
    assert isinstance(typed, Enrolment)


def test_who_is_enrolled_has_to_be_reset_first(office: Office) -> None:
    office.has_phone("sam")
    office.has_phone("alice")
    assert code_of(office.enrolments.request(office.person("alice"), actor("alice"))) == "late"


# --- attempts --------------------------------------------------------------------------------------------


class BrokenBox:
    """Opens nothing: the process dies between the count and the comparison."""

    key_id = "k1"

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        raise AssertionError("not asked for")

    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        raise KeyboardInterrupt


@on_both
def test_an_attempt_counts_even_when_the_process_dies_before_it_compares(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    office.clock.move(STEP)
    broken: SecretBox = BrokenBox()
    alice = office.person("alice")
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            office.with_box(broken).confirm(vouched.id, alice, phone.code(-1), phone.code(), actor("alice"))
    assert office.stored(vouched.id).attempts.failures == 5
    typed = office.enrolments.confirm(vouched.id, alice, phone.code(-1), phone.code(), actor("alice"))
    assert code_of(typed) == "code"
    assert not office.enrolments.is_enrolled("alice")


def test_five_wrong_pairs_lock_the_enrolment_and_say_nothing_of_it(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    office.clock.move(STEP)
    alice, wrong = office.person("alice"), phone.wrong_code()
    answers = {office.enrolments.confirm(vouched.id, alice, wrong, phone.code(), actor("alice")) for _ in range(5)}
    locked = office.enrolments.confirm(vouched.id, alice, phone.code(-1), phone.code(), actor("alice"))
    assert {*answers, locked} == {locked}, "a wrong pair and a locked enrolment get the same answer"
    assert code_of(locked) == "code"
    assert office.tags("step-up.").count("step-up.locked") == 1
    office.clock.move(CONFIRM_WITHIN - 2 * STEP)
    late = office.enrolments.confirm(vouched.id, alice, phone.code(-1), phone.code(), actor("alice"))
    assert code_of(late) == "code", "the lock outlasts the enrolment"


def test_a_right_pair_after_four_wrong_ones_counts(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    for _ in range(4):
        office.enrolments.confirm(vouched.id, office.person("alice"), phone.wrong_code(), phone.code(), actor("alice"))
    confirm(office, vouched, phone)
    authenticator = office.authenticator("alice")
    assert authenticator is not None
    assert authenticator.attempts.failures == 0


@on_both
def test_twenty_confirmations_at_once_enrol_once(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    _, phone = office.shown(vouched)
    first = phone.code()
    office.clock.move(STEP)
    second, together = phone.code(), threading.Barrier(20)

    def one(_: int) -> object:
        together.wait()
        return office.enrolments.confirm(vouched.id, office.person("alice"), first, second, actor("alice"))

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(one, range(20)))
    assert sum(isinstance(outcome, Enrolment) for outcome in outcomes) == 1
    assert office.tags().count(Tag.MFA_ENROLLED) == 1


@on_both
def test_ten_requests_at_once_are_one_enrolment(office: Office) -> None:
    office.has_phone("mona")
    together = threading.Barrier(10)

    def one(_: int) -> object:
        together.wait()
        return office.enrolments.request(office.person("alice"), actor("alice"))

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(one, range(10)))
    assert {type(outcome) for outcome in outcomes} == {Enrolment}
    made = [record for record in office.log() if record["tag"] == Tag.MFA_REQUESTED]
    stopped = [record for record in office.log() if record["tag"] == Tag.MFA_REFUSED]
    assert len(made) - len(stopped) == 1, "one is open at the end"


# --- invites ---------------------------------------------------------------------------------------------


def test_a_first_admin_enrols_by_an_invite(office: Office) -> None:
    code = office.enrolments.invite("sam", HOUR)
    vouched = office.enrolments.redeem_invite(office.person("sam"), code.upper().replace("-", " "), actor("sam"))
    assert isinstance(vouched, Enrolment)
    assert (vouched.status, vouched.vouched_by) == (EnrolmentStatus.VOUCHED, "invite")
    _, phone = office.shown(vouched)
    first = phone.code()
    office.clock.move(STEP)
    done = office.enrolments.confirm(vouched.id, office.person("sam"), first, phone.code(), actor("sam"))
    assert isinstance(done, Enrolment)
    assert office.tags("mfa.") == ["mfa.invited", "mfa.vouched", "mfa.secret-shown", "mfa.enrolled"]


@on_both
def test_an_invite_is_used_once(office: Office) -> None:
    code = office.enrolments.invite("sam", HOUR)
    assert isinstance(office.enrolments.redeem_invite(office.person("sam"), code, actor("sam")), Enrolment)
    assert code_of(office.enrolments.redeem_invite(office.person("sam"), code, actor("sam"))) == "code"


def test_an_invite_is_its_persons_only_and_survives_someone_elses_try(office: Office) -> None:
    office.catalogue = replace(CATALOGUE, admins=frozenset({"sam", "otto"}))
    code = office.enrolments.invite("sam", HOUR)
    assert code_of(office.enrolments.redeem_invite(office.person("otto"), code, actor("otto"))) == "code"
    assert isinstance(office.enrolments.redeem_invite(office.person("sam"), code, actor("sam")), Enrolment)


def test_an_invite_ends_with_its_time_or_with_the_office(office: Office) -> None:
    late, lost = office.enrolments.invite("sam", HOUR), office.enrolments.invite("sam", 2 * HOUR)
    office.clock.move(HOUR)
    assert code_of(office.enrolments.redeem_invite(office.person("sam"), late, actor("sam"))) == "code"
    office.catalogue = replace(CATALOGUE, admins=frozenset({"otto"}))
    assert code_of(office.enrolments.redeem_invite(office.person("sam"), lost, actor("sam"))) == "code"


def test_an_invite_is_not_in_the_log_nor_in_the_database_as_text(office: Office) -> None:
    code = office.enrolments.invite("sam", HOUR)
    assert code.replace("-", "") not in str(office.log()).replace("-", "")
    assert len(code.replace("-", "")) == 20


@pytest.mark.parametrize(
    ("person", "lifetime", "field"),
    [
        ("alice", HOUR, "person"),
        ("nobody", HOUR, "person"),
        ("sam", -HOUR, "lifetime"),
        ("sam", 200 * HOUR, "lifetime"),
    ],
)
def test_a_wrong_invite_is_refused_by_name(office: Office, person: str, lifetime: timedelta, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}:"):
        office.enrolments.invite(person, lifetime)


def test_who_is_enrolled_is_not_invited(office: Office) -> None:
    office.has_phone("sam")
    with pytest.raises(ValueError, match="reset"):
        office.enrolments.invite("sam", HOUR)


# --- the one-time page -----------------------------------------------------------------------------------


@on_both
def test_the_page_shows_the_same_secret_once(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    seen, _ = office.shown(vouched)
    token = seen.page_url.removeprefix("https://access.example.com/enrol/")
    assert office.enrolments.is_link(token)
    assert office.enrolments.is_link(token), "looking uses nothing up"
    page = office.enrolments.open_link(token)
    assert isinstance(page, SecretShown)
    assert (page.otpauth, page.page_url) == (seen.otpauth, "")
    assert not office.enrolments.is_link(token)
    assert code_of(office.enrolments.open_link(token)) == "gone"
    assert token not in office.stored(vouched.id).link_hash


@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_a_made_up_link_opens_nothing(office: Office, token: str) -> None:
    office.shown(office.vouched("alice", "mona", office.has_phone("mona")))
    assert not office.enrolments.is_link(token)
    assert code_of(office.enrolments.open_link(token)) == "gone"


def test_the_link_ends_with_the_enrolment(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    seen, phone = office.shown(vouched)
    token = seen.page_url.rpartition("/")[2]
    confirm(office, vouched, phone)
    assert not office.enrolments.is_link(token)
    assert code_of(office.enrolments.open_link(token)) == "gone"


def test_without_http_there_is_no_page(office: Office) -> None:
    quiet = Office(office.store, office.clock, public_url="")
    seen, _ = quiet.shown(quiet.vouched("alice", "mona", quiet.has_phone("mona")))
    assert seen.page_url == ""


# --- resetting -------------------------------------------------------------------------------------------


def ask_and_grant(office: Office) -> tuple[str, str, str]:
    """Alice has one active grant and one pending request: (pending request, grant, its request)."""
    with_grant, waiting = ask(office), ask(office, reason="Something else is broken too.")
    with office.store.transaction() as tx:
        grant = tx.grants(with_grant)[0] if tx.grants(with_grant) else None
    assert grant is None
    approved = office.access.deciding.approve(with_grant, office.person("mona"), actor("mona"))
    assert isinstance(approved, Decision), approved
    run_due(office)
    with office.store.transaction() as tx:
        (made,) = tx.grants(with_grant)
    assert made.status is GrantStatus.ACTIVE
    return waiting, made.id, with_grant


def ask(office: Office, **changes: str) -> str:
    """Alice asks with her code; needs no code of the approver: Mona typed one a moment ago."""
    wanted = replace(ASK, role="deploy", params={}, **changes)
    draft = office.access.draft(office.person("alice"), wanted)
    submitted = office.access.submit(draft, office.person("alice"), actor("alice"))  # type: ignore[arg-type]
    assert isinstance(submitted, Decision), submitted
    assert submitted.request is not None
    return submitted.request.id


def run_due(office: Office) -> None:
    """What the worker does, until nothing but messages is due."""
    handlers = {
        **Granting(office.access, DatabaseClock(office.clock, office.store)).handlers(),
        **office.enrolments.handlers(office.access),
    }
    runner = Runner(office.store, office.clock, handlers)
    lanes = [lane for lane in LANES if lane != "chat"]
    while claims := [claim for lane in lanes for claim in office.store.claim(lane, 10, MINUTE)]:
        for claim in claims:
            assert runner.run(claim), claim


@on_both
def test_a_reset_takes_the_authenticator_cancels_requests_and_revokes_grants(office: Office) -> None:
    office.has_phone("alice")
    admin = office.has_phone("sam")
    pending, grant_id, request_id = ask_and_grant(office)
    done = office.enrolments.reset("alice", office.person("sam"), admin.code(), "Phone lost.", actor("sam"))
    assert done is None
    assert not office.enrolments.is_enrolled("alice")
    run_due(office)
    cancelled = office.access.request(pending)
    assert cancelled is not None
    assert (cancelled.status, cancelled.decided_by) == (RequestStatus.CANCELLED, "sam")
    with office.store.transaction() as tx:
        (grant,) = tx.grants(request_id)
    assert (grant.id, grant.status, grant.end_reason) == (grant_id, GrantStatus.ENDED, EndReason.REVOKED)
    assert (grant.ended_by, grant.end_note) == ("sam", "Phone lost.")
    assert not list(office.cloud.existing(CATALOGUE.accounts["payments"], ["user/alice"]))


@on_both
def test_a_reset_is_finished_by_the_next_worker_when_the_first_one_died(office: Office) -> None:
    office.has_phone("alice")
    _, grant_id, _ = ask_and_grant(office)
    assert office.enrolments.reset("alice", None, "", "Left.", OPERATOR) is None
    claimed = office.store.claim("access", 10, MINUTE)
    assert [claim.kind for claim in claimed] == ["person.stop"]
    office.clock.move(2 * MINUTE)
    run_due(office)
    grant = office.access.grant(grant_id)
    assert grant is not None
    assert (grant.status, grant.ended_by) == (GrantStatus.ENDED, "operator")


def test_what_is_asked_after_the_reset_is_left_alone(office: Office) -> None:
    office.has_phone("alice")
    office.enrolments.reset("alice", None, "", "Phone lost.", OPERATOR)
    office.clock.move(SECOND)
    later = ask(office)
    run_due(office)
    found = office.access.request(later)
    assert found is not None
    assert found.status is RequestStatus.PENDING


@pytest.mark.parametrize("who", ["alice", "mona", "bob"])
def test_who_is_no_admin_resets_nobody(office: Office, who: str) -> None:
    office.has_phone("alice")
    phone = office.has_phone(who)
    outcome = office.enrolments.reset("alice", office.person(who), phone.code(), "", actor(who))
    assert code_of(outcome) == "policy"
    assert office.enrolments.is_enrolled("alice")


def test_an_admin_does_not_reset_themselves_by_any_identity(office: Office) -> None:
    twin = Person("sam2", "Sam again", slack_ids=frozenset({"U5"}))
    office.catalogue = replace(CATALOGUE, people={**CATALOGUE.people, "sam2": twin}, admins=frozenset({"sam", "sam2"}))
    phone = office.has_phone("sam")
    office.has_phone("sam2")
    for person_id in ("sam", "sam2"):
        assert code_of(office.enrolments.reset(person_id, office.person("sam"), phone.code(), "", actor("sam")))
        assert office.enrolments.is_enrolled(person_id)


def test_an_admins_account_without_the_admins_phone_resets_nobody(office: Office) -> None:
    office.has_phone("alice")
    admin = office.has_phone("sam")
    for code in ("", admin.wrong_code()):
        outcome = office.enrolments.reset("alice", office.person("sam"), code, "", actor("sam"))
        assert code_of(outcome) == "code"
    assert office.enrolments.is_enrolled("alice")


@on_both
def test_a_reset_ends_proofs_and_an_enrolment_that_is_under_way(office: Office) -> None:
    phone = office.has_phone("alice")
    assert office.codes.verify("alice", phone.code(), "digest", actor("alice"))
    vouched = office.vouched("bob", "sam", office.has_phone("sam"))
    for person_id in ("alice", "bob"):
        assert office.enrolments.reset(person_id, None, "", "", OPERATOR) is None
    with office.store.transaction() as tx:
        assert tx.latest_step_up("alice") is None
    assert code_of(office.enrolments.show(vouched.id, office.person("bob"), actor("bob"))) == "late"


def test_a_deactivated_chat_account_can_still_be_reset(office: Office) -> None:
    office.has_phone("slack:U9")
    office.directory.change("U9", refused="Deactivated.")
    admin = office.has_phone("sam")
    assert office.enrolments.reset("slack:U9", office.person("sam"), admin.code(), "Left.", actor("sam")) is None
    assert not office.enrolments.is_enrolled("slack:U9")


def test_who_has_nothing_cannot_be_reset(office: Office) -> None:
    assert code_of(office.enrolments.reset("alice", None, "", "", OPERATOR)) == "unknown"
    assert code_of(office.enrolments.reset("no-one", None, "", "", OPERATOR)) == "unknown"


def test_after_a_reset_the_person_enrols_anew_with_another_secret(office: Office) -> None:
    old = office.has_phone("alice")
    manager = office.has_phone("mona")
    office.enrolments.reset("alice", None, "", "Phone lost.", OPERATOR)
    vouched = office.vouched("alice", "mona", manager)
    _, phone = office.shown(vouched)
    confirm(office, vouched, phone)
    office.clock.move(STEP)
    assert office.codes.verify("alice", old.code(), "digest", actor("alice")) is None
    assert office.codes.verify("alice", phone.code(), "digest", actor("alice")) is not None


# --- what is told and kept -------------------------------------------------------------------------------


def test_every_step_shows_its_card_and_the_persons_home(office: Office) -> None:
    manager = office.has_phone("mona")
    for _ in office.store.claim("chat", 50, MINUTE):
        pass
    vouched = office.vouched("alice", "mona", manager)
    kinds = {(claim.kind, claim.subject) for claim in office.store.claim("chat", 50, MINUTE)}
    assert kinds == {("chat.enrolment", vouched.id), ("chat.home", "alice")}


def test_no_record_of_an_enrolment_holds_a_secret(office: Office) -> None:
    vouched = office.vouched("alice", "mona", office.has_phone("mona"))
    seen, phone = office.shown(vouched)
    first = phone.code()
    done = confirm(office, vouched, phone)
    kept = str(office.log()) + repr(done) + repr(office.stored(vouched.id)) + repr(office.authenticator("alice"))
    plain = seen.secret.replace(" ", "")
    for secret in (plain, seen.secret, seen.otpauth, seen.page_url.rpartition("/")[2], phone.secret.hex(), first):
        assert secret not in kept
