"""Used keys, drafts, posted messages, facts."""

from datetime import timedelta

from bot.service.ports import Store
from bot.service.records import Draft, PostedMessage
from tests.contracts.store.makers import HOUR, START, SetClock, ask, rolled_back, together


class NotesContract:
    def test_a_key_is_new_once(self, store: Store) -> None:
        with store.transaction() as tx:
            assert [tx.once("k", START + HOUR) for _ in range(3)] == [True, False, False]
            assert tx.once("other", START + HOUR)
        with store.transaction() as tx:
            assert not tx.once("k", START + HOUR)

    def test_of_twenty_who_use_a_key_one_is_first(self, store: Store) -> None:
        def use(_: int) -> bool:
            with store.transaction() as tx:
                return tx.once("k", START + HOUR)

        assert together(20, use).count(True) == 1

    def test_a_key_of_a_rolled_back_transaction_is_still_new(self, store: Store) -> None:
        with rolled_back(store) as tx:
            tx.once("k", START + HOUR)
        with store.transaction() as tx:
            assert tx.once("k", START + HOUR)

    def test_a_key_is_remembered_to_the_end(self, store: Store, clock: SetClock) -> None:
        with store.transaction() as tx:
            tx.once("k", START + HOUR)
        clock.advance(HOUR)
        with store.transaction() as tx:
            tx.once("another", START + 2 * HOUR)
            assert not tx.once("k", START + HOUR)

    def test_a_draft_comes_back_as_it_was_saved(self, store: Store) -> None:
        draft = Draft("d1", "ada", ask(start_at=START + HOUR, params={"z": "1", "a": "🔑"}), START)
        with store.transaction() as tx:
            assert tx.draft("d1") is None
            tx.save_draft(draft)
        with store.transaction() as tx:
            assert tx.draft("d1") == draft
            changed = Draft("d1", "ada", ask(reason="A better reason."), START)
            tx.save_draft(changed)
            assert tx.draft("d1") == changed

    def test_drafts_are_forgotten_in_the_end(self, store: Store, clock: SetClock) -> None:
        with store.transaction() as tx:
            tx.save_draft(Draft("old", "ada", ask(), START))
        clock.advance(timedelta(days=1))
        with store.transaction() as tx:
            tx.save_draft(Draft("new", "ada", ask(), clock.now()))
            assert tx.draft("old") is not None
        clock.advance(timedelta(seconds=1))
        with store.transaction() as tx:
            tx.save_draft(Draft("newer", "ada", ask(), clock.now()))
            assert tx.draft("old") is None
            assert tx.draft("new") is not None

    def test_a_message_is_one_per_subject_kind_and_destination(self, store: Store) -> None:
        first = PostedMessage("r1", "approvers", "C1")
        posted = PostedMessage("r1", "approvers", "C1", "C1", "1700000000.000100", "digest")
        others = (PostedMessage("r1", "approvers", "@U1"), PostedMessage("r1", "own", "@U1"))
        with store.transaction() as tx:
            for message in (first, *others, PostedMessage("r2", "own", "@U1"), posted):
                tx.save_message(message)
        with store.transaction() as tx:
            assert set(tx.messages("r1")) == {posted, *others}
            assert tx.messages("r3") == ()

    def test_a_fact_is_what_was_said_last(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.fact("catalogue") is None
            tx.set_fact("catalogue", "old")
            tx.set_fact("catalogue", "")
            assert tx.fact("catalogue") == ""
            tx.set_fact("catalogue", "new")
        with store.transaction() as tx:
            assert tx.fact("catalogue") == "new"
