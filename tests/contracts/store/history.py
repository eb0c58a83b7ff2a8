"""What was before is counted alike everywhere: limits, denials, budgets, pairs, reviews, absences, favourites."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.model import (
    Absence,
    AccessRequest,
    Approval,
    Denial,
    Favourite,
    GrantStatus,
    Item,
    Part,
    RequestStatus,
    Review,
    Way,
)
from bot.core.policy import Live
from bot.service.ports import Store, Tx
from tests.contracts.store.makers import HOUR, MINUTE, START, ask, grant, request, together

DAY = timedelta(days=1)


def kept(store: Store, *requests: AccessRequest) -> None:
    with store.transaction() as tx:
        for each in requests:
            tx.save_request(each)


def looked(store: Store, look: Callable[[Tx], Any]) -> Any:
    with store.transaction() as tx:
        return look(tx)


def decided(request_id: str, status: RequestStatus, after: timedelta = HOUR, **changes: Any) -> AccessRequest:
    return request(request_id, status=status, decided_at=START + after, decided_by="grace", **changes)


class HistoryContract:
    def test_a_request_with_everything_in_it_comes_back_as_it_was_saved(self, store: Store) -> None:
        saved = request(
            break_glass=True,
            extends="g0",
            way=Way.BREAK_GLASS,
            more_parts=(Part("user/ada", "[]"), Part("role/ada", '[{"a":"ключ"}]')),
            denials=(Denial("grace", START + MINUTE, "Not “now”."), Denial("alan", START + 2 * MINUTE, "")),
            claimed_by="barbara",
            review=Review(START + DAY, START + HOUR, "grace", objects=True, note="Why at night?"),
        )
        more = (Item("s3-read", "payments-dev", {"b": "1", "a": "ü"}), Item("logs-read", "payments-prod"))
        saved = replace(saved, ask=replace(saved.ask, more=more))
        kept(store, saved)
        found = looked(store, lambda tx: tx.request("r1"))
        assert found == replace(saved, version=1)
        assert found.digest() == saved.digest()

    def test_a_claim_a_denial_and_a_review_are_written_over(self, store: Store) -> None:
        kept(store, request(review=Review(START + DAY)))
        changed = replace(
            looked(store, lambda tx: tx.request("r1")),
            claimed_by="grace",
            denials=(Denial("grace", START, "no"),),
            review=Review(START + DAY, START + HOUR, "alan"),
        )
        kept(store, changed)
        assert looked(store, lambda tx: tx.request("r1")) == replace(changed, version=2)

    def test_by_which_way_and_for_what_is_written_once(self, store: Store) -> None:
        kept(store, request(more_parts=(Part("user/ada", "[]"),)))
        stored = looked(store, lambda tx: tx.request("r1"))
        kept(store, replace(stored, way=Way.AUTOMATIC, more_parts=()))
        assert looked(store, lambda tx: tx.request("r1")) == replace(stored, version=2)

    def test_several_targets_in_one_account_have_a_grant_each(self, store: Store) -> None:
        kept(store, request())
        with store.transaction() as tx:
            tx.save_grant(grant("g1"))
            tx.save_grant(grant("g2", item=1))
        assert [each.item for each in looked(store, lambda tx: tx.grants("r1"))] == [0, 1]

    def test_live_counts_what_is_scheduled_made_or_active(self, store: Store) -> None:
        kept(store, request("r1"), request("r2"), request("r3"))
        states = [GrantStatus.SCHEDULED, GrantStatus.GRANTING, GrantStatus.ACTIVE, GrantStatus.REVOKING]
        with store.transaction() as tx:
            for number, status in enumerate([*states, GrantStatus.ENDED]):
                tx.save_grant(grant(f"g{number}", "r1", status=status, item=number))
            tx.save_grant(grant("h1", "r2", person="alan", account="payments-dev", status=GrantStatus.ACTIVE))
            tx.save_grant(grant("h2", "r3", role="logs-read", status=GrantStatus.ACTIVE))
        assert looked(store, lambda tx: tx.live("ada", "s3-read", "payments-prod")) == Live(4, 4, 4)
        assert looked(store, lambda tx: tx.live("ada", "s3-read", "payments-prod", besides="r1")) == Live(1, 1, 1)
        assert looked(store, lambda tx: tx.live("nobody", "no-role", "nowhere")) == Live(0, 0, 0)

    def test_the_last_denial_is_of_this_person_and_role_and_not_older(self, store: Store) -> None:
        denied = RequestStatus.DENIED
        kept(
            store,
            decided("r1", denied, HOUR),
            decided("r2", denied, 2 * HOUR),
            decided("r3", denied, 3 * HOUR, role="logs-read"),
            decided("r4", denied, 3 * HOUR, requester="alan"),
            decided("r5", RequestStatus.CANCELLED, 3 * HOUR),
        )
        assert looked(store, lambda tx: tx.last_denied("ada", "s3-read", START)) == START + 2 * HOUR
        assert looked(store, lambda tx: tx.last_denied("ada", "s3-read", START + 2 * HOUR)) == START + 2 * HOUR
        assert looked(store, lambda tx: tx.last_denied("ada", "s3-read", START + 3 * HOUR)) is None

    def test_what_went_without_a_word_is_counted_by_its_time(self, store: Store) -> None:
        approved = RequestStatus.APPROVED
        kept(
            store,
            decided("r1", approved, HOUR, way=Way.AUTOMATIC),
            decided("r2", approved, 3 * HOUR, way=Way.AUTOMATIC),
            decided("r3", approved, 2 * HOUR, way=Way.AUTOMATIC),
            decided("r4", approved, 2 * HOUR),
            decided("r5", approved, 2 * HOUR, way=Way.AUTOMATIC, role="logs-read"),
            decided("r6", approved, 2 * HOUR, way=Way.AUTOMATIC, requester="alan"),
        )
        found = looked(store, lambda tx: tx.decided_by_way("ada", "s3-read", Way.AUTOMATIC, START + 2 * HOUR))
        assert found == (START + 2 * HOUR, START + 3 * HOUR)
        found = looked(store, lambda tx: tx.decided_by_way("ada", "s3-read", Way.AUTOMATIC, START, "r3"))
        assert found == (START + HOUR, START + 3 * HOUR)

    def test_yeses_for_each_other_are_counted_both_ways(self, store: Store) -> None:
        grace, alan = Approval("grace", START + HOUR, None), Approval("alan", START + HOUR, None)
        kept(
            store,
            request("r1", approvals=(grace, alan)),
            request("r2", approvals=(grace,)),
            request("r3", requester="grace", approvals=(Approval("ada", START + 2 * HOUR, None),)),
            request("r4", requester="barbara", approvals=(grace,)),
            request("r5", approvals=(replace(grace, at=START),)),
        )
        assert looked(store, lambda tx: tx.approved_for_each_other("ada", START + MINUTE)) == {"grace": 3, "alan": 1}
        assert looked(store, lambda tx: tx.approved_for_each_other("ada", START + 2 * HOUR)) == {"grace": 1}

    def test_a_review_is_owed_until_somebody_reviewed(self, store: Store) -> None:
        kept(
            store,
            request("r1", review=Review(START + DAY)),
            request("r2", review=Review(START + HOUR)),
            request("r3", review=Review(START + HOUR, START + MINUTE, "grace")),
            request("r4", requester="alan", review=Review(START)),
            request("r5"),
        )
        assert [each.id for each in looked(store, lambda tx: tx.reviews_owed("ada"))] == ["r2", "r1"]
        assert [each.id for each in looked(store, lambda tx: tx.reviews_owed())] == ["r4", "r2", "r1"]

    def test_the_requests_that_go_on_from_a_grant_are_found(self, store: Store) -> None:
        kept(
            store,
            request("r1"),
            request("r2", extends="g1"),
            decided("r3", RequestStatus.DENIED, extends="g1", asked_at=START + MINUTE),
            request("r4", extends="g2"),
        )
        assert [each.id for each in looked(store, lambda tx: tx.extensions_of("g1"))] == ["r3", "r2"]
        assert looked(store, lambda tx: tx.extensions_of("")) == ()

    def test_whoever_is_away_is_known_until_they_are_back(self, store: Store) -> None:
        now = looked(store, lambda tx: tx.now())
        over = Absence("grace", now - DAY, now - MINUTE)
        away = Absence("alan", now - DAY, now + HOUR, "barbara")
        with store.transaction() as tx:
            tx.save_absence(over)
            tx.save_absence(replace(away, delegate=None))
            tx.save_absence(away)
            assert tx.absences() == {"alan": away}
            tx.remove_absence("alan")
            assert tx.absences() == {}
            tx.save_absence(away)
            assert tx.absences() == {"alan": away}
        assert looked(store, lambda tx: tx.absences()) == {"alan": away}
        then = [away.since - MINUTE, away.since, away.until - MINUTE, away.until]
        assert looked(store, lambda tx: ["alan" in tx.absences(at) for at in then]) == [False, True, True, False]
        assert looked(store, lambda tx: [tx.remove_absence("alan"), tx.remove_absence("alan")]) == [True, False]
        assert looked(store, lambda tx: tx.absences()) == {}

    def test_favourites_are_a_persons_own_and_the_oldest_comes_first(self, store: Store) -> None:
        first = Favourite("f1", "Logs", ask(), START)
        second = Favourite("f2", "Both", ask(more=(Item("logs-read", "payments-dev", {"a": "b"}),)), START + MINUTE)
        with store.transaction() as tx:
            tx.save_favourite(second)
            tx.save_favourite(first)
            tx.save_favourite(Favourite("f3", "Other", ask(requester="alan"), START))
        assert looked(store, lambda tx: tx.favourites("ada")) == (first, second)
        renamed = replace(first, title="Old logs")
        looked(store, lambda tx: tx.save_favourite(renamed))
        assert looked(store, lambda tx: tx.favourite("f1")) == renamed
        assert looked(store, lambda tx: [tx.remove_favourite("f1", "alan"), tx.remove_favourite("f1", "ada")]) == [
            False,
            True,
        ]
        assert looked(store, lambda tx: tx.favourite("f1")) is None

    def test_what_is_counted_behind_a_guard_stays_so(self, store: Store) -> None:
        """Eight at once, of whom each stays below a limit of three as long as nobody comes in between."""
        for number in range(8):
            kept(store, request(f"r{number}"))

        def take(number: int) -> bool:
            with store.transaction() as tx:
                tx.request(f"r{number}", lock=True)
                tx.guard(["person:ada", "role:s3-read"])
                if tx.live("ada", "s3-read", "payments-prod").person >= 3:
                    return False
                tx.save_grant(grant(f"g{number}", f"r{number}"))
                return True

        assert sum(together(8, take)) == 3

    @pytest.mark.parametrize("title", ["\x00", "\ud800"])
    def test_a_favourite_that_no_database_keeps_is_refused(self, store: Store, title: str) -> None:
        with pytest.raises(ValueError, match="title"), store.transaction() as tx:
            tx.save_favourite(Favourite("f1", title, ask(), START))
