"""Step-up: codes, proofs, enrolments and invites count once."""

import traceback
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import StepUp
from bot.core.stepup import Attempts
from bot.service.ports import Store
from bot.service.records import EnrolmentStatus, Invite, StaleWrite
from tests.contracts.store.makers import HOUR, MINUTE, START, SetClock, authenticator, enrolment, together


class PeopleContract:
    def test_an_authenticator_comes_back_as_it_was_saved(self, store: Store) -> None:
        locked = authenticator(attempts=Attempts(5, START + MINUTE))
        with store.transaction() as tx:
            assert tx.authenticator("ada") is None
            tx.save_authenticator(locked)
        with store.transaction() as tx:
            assert tx.authenticator("ada") == locked
            assert tx.authenticator("ada", lock=True) == locked

    def test_an_authenticator_is_replaced_whatever_is_stored(self, store: Store) -> None:
        newer = authenticator(sealed=b"new", key_id="k2", last_timecode=1, attempts=Attempts())
        with store.transaction() as tx:
            tx.save_authenticator(authenticator(attempts=Attempts(3)))
            tx.save_authenticator(newer)
            assert tx.authenticator("ada") == newer

    def test_attempts_are_set_alone(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator())
            tx.set_attempts("ada", Attempts(2, START))
            tx.set_attempts("nobody", Attempts(2))
            assert tx.authenticator("ada") == authenticator(attempts=Attempts(2, START))

    def test_a_timecode_only_rises(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator(last_timecode=100))
            answers = [tx.advance_timecode("ada", timecode) for timecode in (99, 100, 102, 101, 102, 103)]
            assert answers == [False, False, True, False, False, True]
            assert tx.authenticator("ada").last_timecode == 103
            assert not tx.advance_timecode("nobody", 1)

    def test_of_twenty_uses_of_one_code_one_counts(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator(last_timecode=100))

        def use(_: int) -> bool:
            with store.transaction() as tx:
                return tx.advance_timecode("ada", 101)

        assert together(20, use).count(True) == 1

    def test_attempts_of_twenty_who_lock_are_all_counted(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator())

        def fail(_: int) -> None:
            with store.transaction() as tx:
                before = tx.authenticator("ada", lock=True).attempts
                tx.set_attempts("ada", Attempts(before.failures + 1))

        together(20, fail)
        with store.transaction() as tx:
            assert tx.authenticator("ada").attempts.failures == 20

    def test_an_authenticator_is_removed_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator())
            assert [tx.remove_authenticator("ada") for _ in range(2)] == [True, False]
            assert tx.authenticator("ada") is None

    def test_the_newest_proof_counts(self, store: Store) -> None:
        older, newer = StepUp("s1", "ada", START, "d1"), StepUp("s2", "ada", START + MINUTE, "d2")
        with store.transaction() as tx:
            assert tx.latest_step_up("ada") is None
            tx.save_step_up(newer)
            tx.save_step_up(older)
            tx.save_step_up(StepUp("s3", "grace", START + HOUR, "d1"))
            assert tx.latest_step_up("ada") == newer
            assert tx.latest_step_up("ada", "d1") == older
            assert tx.latest_step_up("ada", "d3") is None

    def test_proofs_are_forgotten_for_one_person(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_step_up(StepUp("s1", "ada", START, "d"))
            tx.save_step_up(StepUp("s2", "ada", START, "d"))
            tx.save_step_up(StepUp("s3", "grace", START, "d"))
            tx.forget_step_ups("ada")
            assert tx.latest_step_up("ada") is None
            assert tx.latest_step_up("grace") is not None

    def test_a_proof_is_saved_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_step_up(StepUp("s1", "ada", START, "d"))
        with pytest.raises(ValueError, match="refused the row"), store.transaction() as tx:
            tx.save_step_up(StepUp("s1", "eve", START, "d"))

    def test_an_enrolment_comes_back_as_it_was_saved(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_enrolment(enrolment())
            assert tx.enrolment("e1") == enrolment(version=1)
            shown = enrolment(
                version=1,
                status=EnrolmentStatus.SHOWN,
                expires_at=START + 2 * HOUR,
                vouched_by="grace",
                sealed=bytes(range(256)),
                key_id="k1",
                first_timecode=57_000_000,
                attempts=Attempts(1, START),
                link_hash="ab" * 32,
            )
            tx.save_enrolment(shown)
        with store.transaction() as tx:
            assert tx.enrolment("e1", lock=True) == replace(shown, version=2)
            assert tx.enrolment_by_link("ab" * 32) == replace(shown, version=2)
            assert tx.enrolment("e2") is None

    def test_enrolments_without_a_link_are_not_found_by_none(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_enrolment(enrolment("e1"))
            tx.save_enrolment(enrolment("e2"))
            assert tx.enrolment_by_link("") is None
            assert tx.enrolment_by_link("cd" * 32) is None

    def test_a_link_leads_to_one_enrolment_and_its_refusal_does_not_repeat_it(self, store: Store) -> None:
        link_hash = "5ec4e7"
        with store.transaction() as tx:
            tx.save_enrolment(enrolment("e1", link_hash=link_hash))
            tx.save_enrolment(enrolment("e2"))
        with pytest.raises(ValueError, match="refused the row") as refused, store.transaction() as tx:
            tx.save_enrolment(enrolment("e2", version=1, link_hash=link_hash))
        assert link_hash not in "".join(traceback.format_exception(refused.value))

    def test_the_latest_enrolment_is_the_last_asked_for(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_enrolment(enrolment("e2", requested_at=START + MINUTE))
            tx.save_enrolment(enrolment("e1"))
            tx.save_enrolment(enrolment("e3", person="grace", requested_at=START + HOUR))
            assert tx.latest_enrolment("ada").id == "e2"
            assert tx.latest_enrolment("alan") is None

    def test_an_older_version_of_an_enrolment_is_refused(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_enrolment(enrolment())
            tx.save_enrolment(enrolment(version=1, status=EnrolmentStatus.VOUCHED))
        for version in (0, 1):
            with pytest.raises(StaleWrite, match="e1"), store.transaction() as tx:
                tx.save_enrolment(enrolment(version=version, status=EnrolmentStatus.REFUSED))
        with store.transaction() as tx:
            assert tx.enrolment("e1").status is EnrolmentStatus.VOUCHED

    def test_of_twenty_writers_of_one_enrolment_one_wins(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_enrolment(enrolment())

        def write(number: int) -> bool:
            try:
                with store.transaction() as tx:
                    tx.save_enrolment(enrolment(version=1, first_timecode=number))
            except StaleWrite:
                return False
            return True

        assert together(20, write).count(True) == 1

    def test_an_invite_is_used_once_by_whom_it_is_for(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_invite(Invite("hash", "ada", START + HOUR))
            assert not tx.use_invite("hash", "eve")
            assert not tx.use_invite("other", "ada")
        with store.transaction() as tx:
            assert tx.use_invite("hash", "ada")
        with store.transaction() as tx:
            assert not tx.use_invite("hash", "ada")

    def test_of_twenty_uses_of_one_invite_one_counts(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_invite(Invite("hash", "ada", START + HOUR))

        def use(_: int) -> bool:
            with store.transaction() as tx:
                return tx.use_invite("hash", "ada")

        assert together(20, use).count(True) == 1

    def test_an_invite_that_is_over_is_no_use(self, store: Store, clock: SetClock) -> None:
        with store.transaction() as tx:
            tx.save_invite(Invite("hash", "ada", START + HOUR))
        clock.advance(HOUR)
        with store.transaction() as tx:
            assert not tx.use_invite("hash", "ada")

    def test_secrets_are_in_no_repr(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.save_authenticator(authenticator(sealed=b"sealed-seed"))
            tx.save_enrolment(enrolment(sealed=b"sealed-seed", link_hash="5ec4e7"))
            shown = repr((tx.authenticator("ada"), tx.enrolment("e1")))
        assert "sealed-seed" not in shown
        assert "5ec4e7" not in shown

    def test_a_proof_to_the_microsecond_comes_back_exact(self, store: Store) -> None:
        at = START + timedelta(microseconds=1)
        with store.transaction() as tx:
            tx.save_step_up(StepUp("s1", "ada", at, "d"))
        with store.transaction() as tx:
            assert tx.latest_step_up("ada").at == at
