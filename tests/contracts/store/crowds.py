"""Effects that are told together, and the lines of digests."""

from dataclasses import replace
from datetime import timedelta

from bot.core.model import Effect
from bot.service.ports import Store
from bot.service.records import DigestLine
from tests.contracts.store.makers import HOUR, LEASE, START, SetClock, effect, enqueue, rolled_back, together

ADA, BOB = "person:ada", "person:bob"


def tell(key: str, who: str = ADA, **changes: object) -> Effect:
    return replace(effect(key, kind="chat.tell", outcome="expired"), who=who, **changes)


def line(key: str, number: int = 1, who: str = ADA, **changes: object) -> DigestLine:
    return replace(DigestLine(key, who, number, "expired", f"subject of {key}", START), **changes)


def keys_of(store: Store, message: str, most: int = 10) -> list[str]:
    with store.transaction() as tx:
        return [each.key for each in tx.digest(message, most).lines]


class CrowdsContract:
    def test_those_of_one_kind_for_one_are_counted_up_to_the_limit(self, store: Store) -> None:
        others = (tell("other", BOB), replace(tell("kind"), kind="chat.cards"), effect("alone", kind="chat.tell"))
        enqueue(store, tell("k1"), tell("k2", due_at=START + HOUR), tell("k3"), *others)
        with store.transaction() as tx:
            assert tx.waiting("chat.tell", ADA, 100) == 3
            assert tx.waiting("chat.tell", ADA, 2) == 2
            assert tx.waiting("chat.tell", "person:nobody", 100) == 0

    def test_what_a_worker_has_is_counted_and_is_left_to_it_until_its_lease_is_over(
        self, store: Store, clock: SetClock
    ) -> None:
        enqueue(store, tell("k1"), tell("k2"))
        assert len(store.claim("chat", 1, LEASE)) == 1
        with store.transaction() as tx:
            assert tx.waiting("chat.tell", ADA, 100) == 2
            assert len(tx.gather("chat.tell", ADA, 100)) == 1
            assert tx.waiting("chat.tell", ADA, 100) == 1
            assert tx.gather("chat.tell", ADA, 100) == ()
        clock.advance(LEASE)
        with store.transaction() as tx:
            assert len(tx.gather("chat.tell", ADA, 100)) == 1

    def test_what_is_gathered_is_out_of_the_queue_oldest_first(self, store: Store) -> None:
        enqueue(store, tell("k1", payload={"what": "ended", "emoji": "🔑"}))
        enqueue(store, tell("k2"), tell("k3"), tell("other", BOB))
        with store.transaction() as tx:
            gathered = tx.gather("chat.tell", ADA, 2)
        assert [(each.key, each.subject) for each in gathered] == [("k1", "subject of k1"), ("k2", "subject of k2")]
        assert gathered[0].payload == {"what": "ended", "emoji": "🔑"}
        assert gathered[0].id < gathered[1].id
        assert {each.key for each in store.claim("chat", 10, LEASE)} == {"k3", "other"}

    def test_it_is_known_whether_what_is_gathered_was_tried(self, store: Store) -> None:
        enqueue(store, tell("k1"))
        (claim,) = store.claim("chat", 1, LEASE)
        store.release(claim, HOUR, "no answer")
        enqueue(store, tell("k2"))
        with store.transaction() as tx:
            assert {each.key: each.tried for each in tx.gather("chat.tell", ADA, 9)} == {"k1": True, "k2": False}

    def test_of_many_who_gather_at_once_each_effect_goes_to_one(self, store: Store) -> None:
        enqueue(store, *(tell(f"k{number:03}") for number in range(200)))

        def gather(_: int) -> list[str]:
            with store.transaction() as tx:
                return [each.key for each in tx.gather("chat.tell", ADA, 50)]

        gathered = [key for keys in together(8, gather) for key in keys]
        assert len(gathered) == len(set(gathered))
        with store.transaction() as tx:
            assert len(gathered) + tx.waiting("chat.tell", ADA, 1000) == 200

    def test_what_a_rolled_back_transaction_gathered_still_waits(self, store: Store) -> None:
        enqueue(store, tell("k1"))
        with rolled_back(store) as tx:
            tx.gather("chat.tell", ADA, 9)
            tx.add_lines([line("k1")])
        with store.transaction() as tx:
            assert tx.waiting("chat.tell", ADA, 9) == 1
            assert tx.lines_between(ADA) is None

    def test_whom_it_goes_to_is_what_was_said_last(self, store: Store) -> None:
        enqueue(store, tell("k1"))
        enqueue(store, tell("k1", BOB))
        with store.transaction() as tx:
            assert (tx.waiting("chat.tell", ADA, 9), tx.waiting("chat.tell", BOB, 9)) == (0, 1)

    def test_an_effect_is_enqueued_until_it_is_finished(self, store: Store) -> None:
        enqueue(store, tell("k1"))
        (claim,) = store.claim("chat", 1, LEASE)
        with store.transaction() as tx:
            assert tx.is_enqueued("k1")
            tx.finish(claim)
            assert not tx.is_enqueued("k1")

    def test_when_the_last_one_is_due(self, store: Store) -> None:
        enqueue(store, tell("k1", due_at=START + HOUR), tell("k2"), tell("other", BOB, due_at=START + 2 * HOUR))
        with store.transaction() as tx:
            assert tx.last_due("chat.tell", ADA) == START + HOUR
            assert tx.last_due("chat.cards", ADA) is None

    def test_why_they_are_not_done_is_read_by_key(self, store: Store) -> None:
        enqueue(store, effect("k1"), effect("k2"))
        claims = store.claim("access", 1, LEASE)
        store.release(claims[0], HOUR, "AWS: AccessDenied")
        with store.transaction() as tx:
            assert tx.last_errors(["k1", "k2", "k3"]) == {"k1": "AWS: AccessDenied", "k2": ""}
            assert tx.last_errors([]) == {}
            assert len(tx.last_errors([f"k{number}" for number in range(1200)])) == 2

    def test_a_digest_counts_all_and_shows_the_newest(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.add_lines([line(f"k{number}", number) for number in range(5)])
            tx.add_lines([line("d", 9, outcome="denied", tried=True), line("other", who=BOB)])
            assert tx.stamp_lines(ADA, "m1") == ("m1", False)
            digest = tx.digest("m1", 3)
        assert digest.counts == {"expired": 5, "denied": 1}
        assert [each.key for each in digest.lines] == ["d", "k4", "k3"]
        assert digest.lines[0] == line("d", 9, outcome="denied", tried=True)
        assert digest.tried == ("d",)

    def test_lines_that_come_later_go_into_the_message_that_was_begun(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.add_lines([line("k1", 1)])
            assert tx.stamp_lines(ADA, "m1") == ("m1", False)
        with store.transaction() as tx:
            tx.add_lines([line("k2", 2)])
        assert keys_of(store, "m1") == ["k1"]
        with store.transaction() as tx:
            assert tx.stamp_lines(ADA, "m2") == ("m1", True)
        assert keys_of(store, "m1") == ["k2", "k1"]

    def test_what_was_told_is_forgotten_and_the_next_message_is_another(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.add_lines([line("k1", 1), line("k2", 2), line("k3", 3)])
            tx.stamp_lines(ADA, "m1")
            tx.add_lines([line("later", 4)])
            tx.drop_lines("m1", ["k2", "later", "unknown"])
        assert keys_of(store, "m1") == ["k3", "k1"]
        with store.transaction() as tx:
            tx.drop_lines("m1")
            assert tx.stamp_lines(ADA, "m2") == ("m2", False)
        assert keys_of(store, "m2") == ["later"]

    def test_a_key_is_in_one_digest_once(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.add_lines([line("k1", 1)])
            tx.add_lines([line("k1", 2, outcome="denied")])
            tx.stamp_lines(ADA, "m1")
            assert tx.digest("m1", 9).counts == {"expired": 1}

    def test_when_lines_were_added(self, store: Store) -> None:
        with store.transaction() as tx:
            assert tx.lines_between(ADA) is None
            tx.add_lines([line("k1"), line("k2", added_at=START + HOUR), line("k3", added_at=START - HOUR)])
            assert tx.lines_between(ADA) == (START - HOUR, START + HOUR)
            assert tx.lines_between(BOB) is None
            tx.add_lines([line("k4", who=BOB, added_at=START + timedelta(microseconds=1))])
            assert tx.lines_between(BOB) == (START + timedelta(microseconds=1),) * 2
