"""What drifts is noticed within one period, seen twice before anything is done, and recorded once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import Account, EndReason, GrantStatus
from bot.core.reconcile import GRACE
from bot.core.strays import DriftKind, Fate, tend
from bot.providers.fake import Call, Fault
from bot.service import reconciling
from bot.service.breaker import OPENS_AFTER, REST
from bot.service.cards import Notice
from bot.service.effects import LEASE
from bot.service.reconciling import ACCOUNT_AWAY, FORGOTTEN_AFTER, PERIOD, SECOND_LOOK
from bot.service.records import CloudError
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.drifting import (
    ALICE,
    PLANTED,
    WIDE,
    alter,
    altered,
    cards,
    looked,
    looked_by_itself,
    looked_once,
    only_stray,
    planted,
    stray,
    strays,
    take_away,
    writes,
)
from tests.service.world import World, at_once, done

SECOND = timedelta(seconds=1)


def looks(world: World, account: str = "payments") -> int:
    return sum(call.operation == "existing" and call.account == account for call in world.cloud.calls)


def fails_for(world: World, wanted: Callable[[Call], bool], error: CloudError) -> None:
    """Every call that is wanted goes wrong."""

    def fail(call: Call, done: bool) -> None:
        if not done and wanted(call):
            raise error

    world.around = fail


# --- nothing to see --------------------------------------------------------------------------------------


def test_a_ledger_that_the_cloud_agrees_with_changes_nothing(world: World) -> None:
    grant = world.granted()
    before, log = writes(world), world.tags()
    for _ in range(3):
        looked(world)
    assert strays(world) == ()
    assert (writes(world), world.tags()) == (before, log)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE


def test_a_cloud_that_shows_writes_late_is_no_drift(world: World) -> None:
    world.cloud.lag = timedelta(seconds=12)
    grant = world.granted()
    world.reconciling.begin()
    world.run()
    world.later(SECOND_LOOK)
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    world.run()
    for _ in range(6):
        world.reconciling.begin()
        world.later(5 * SECOND)
    assert world.grant(grant.id).end_reason is EndReason.RELEASED
    assert strays(world) == ()
    assert "grant.lost" not in world.tags()


# --- missing ---------------------------------------------------------------------------------------------


def test_missing_access_ends_as_lost_and_is_never_put_back(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    looked(world)
    lost = world.grant(grant.id)
    assert (lost.status, lost.end_reason, lost.ended_by) == (GrantStatus.ENDED, EndReason.LOST, "prodaccess")
    assert world.tags("grant.")[-3:] == ["grant.lost", "grant.revoking", "grant.ended"]
    assert [operation for operation, _ in writes(world)].count("grant") == 1
    (told,) = [
        m.shows[0] for m in world.chat.to("@U1") if isinstance(m.shows[0], Notice) and m.shows[0].what == "ended"
    ]
    assert told.grant is not None
    assert told.grant.end_reason is EndReason.LOST


def test_it_is_seen_twice_before_anything_is_done(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    looked_once(world)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    world.cloud.tamper(replace(world.access.permission(grant)))  # it comes back before the second look
    world.later(SECOND_LOOK)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert "grant.lost" not in world.tags()


def test_what_is_something_else_at_the_second_look_is_looked_at_once_more(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    looked_once(world)
    alter(world, grant)
    world.later(SECOND_LOOK)
    assert (strays(world), world.grant(grant.id).status) == ((), GrantStatus.ACTIVE)
    world.later(SECOND_LOOK)
    assert only_stray(world).kind is DriftKind.ALTERED


def test_what_was_granted_within_the_grace_cannot_be_missing(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    world.clock.move(GRACE - SECOND_LOOK - SECOND)
    world.reconciling.begin()
    world.run()
    world.later(SECOND_LOOK)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE


def test_what_reappears_after_it_was_lost_is_a_stray(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    looked(world)
    world.cloud.tamper(world.access.permission(grant))
    world.clock.move(GRACE)
    looked(world)
    found = only_stray(world)
    assert (found.kind, found.name, found.grant_id, found.person) == ("unknown", grant.id, grant.id, "alice")
    assert not world.is_effective(grant)


def test_a_grant_that_is_released_at_the_second_look_ends_as_released(world: World) -> None:
    grant = world.granted()
    take_away(world, grant)
    looked_once(world)
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    world.later(SECOND_LOOK)
    assert world.grant(grant.id).end_reason is EndReason.RELEASED
    assert "grant.lost" not in world.tags()


# --- what should not be there ----------------------------------------------------------------------------


def test_an_unknown_policy_is_recorded_blocked_and_shown_once_and_left_as_it_is(world: World) -> None:
    found = planted(world)
    assert (found.account, found.principal, found.name) == (*ALICE, "prod-fix")
    assert (found.kind, found.person, found.grant_id) == (DriftKind.UNKNOWN, "alice", "")
    assert found.quarantined_at is not None
    for _ in range(3):
        looked(world)
    assert only_stray(world) == found
    assert len(cards(world)) == 1
    assert world.tags("stray.") == ["stray.found", "stray.quarantined"]
    assert world.log()[-2]["data"]["text"] == found.text
    assert (*ALICE, "prod-fix") in world.cloud.written()
    assert (*ALICE, "prod-fix") not in world.cloud.effective(world.clock.now())


def test_an_altered_grant_is_blocked_and_its_record_says_what_was_found(world: World) -> None:
    grant, found = altered(world)
    assert (found.kind, found.grant_id, found.name) == (DriftKind.ALTERED, grant.id, grant.id)
    assert "s3:*" in found.text
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert not world.is_effective(grant)


def test_blocking_one_policy_leaves_the_persons_other_access(world: World) -> None:
    other = world.granted(params={"bucket": "payments-exports"})
    planted(world)
    assert world.is_effective(other)


def test_a_policy_under_the_name_of_a_grant_that_has_not_begun_is_unknown(world: World) -> None:
    grant = world.scheduled(start_at=world.clock.now() + 3 * HOUR)
    world.run()
    world.cloud.tamper(world.access.permission(grant))
    looked(world)
    assert (only_stray(world).kind, only_stray(world).name) == (DriftKind.UNKNOWN, grant.id)


def test_nothing_of_ours_that_only_denies_is_taken_for_a_stray(world: World) -> None:
    found = planted(world)
    assert (*ALICE, found.quarantine) in world.cloud.written()
    looked(world)
    assert strays(world) == (found,)


def test_a_policy_that_only_borrows_the_quarantines_name_is_a_stray(world: World) -> None:
    first = planted(world)
    world.cloud.plant(*ALICE, "quarantine-q-77", PLANTED)
    world.cloud.plant("payments", "user/bob", first.quarantine, PLANTED)
    looked(world)
    assert {(each.principal, each.name) for each in strays(world)} == {
        ("user/alice", "prod-fix"),
        ("user/alice", "quarantine-q-77"),
        ("user/bob", first.quarantine),
    }


@pytest.mark.parametrize("how", ["removed", "rewritten"])
def test_a_quarantine_that_somebody_took_away_is_put_again(world: World, how: str) -> None:
    found = planted(world)
    if how == "removed":
        world.cloud.remove(world.catalogue.accounts["payments"], "user/alice", found.quarantine)
    else:
        world.cloud.plant(*ALICE, found.quarantine, PLANTED)
    looked(world)
    assert world.cloud.written()[*ALICE, found.quarantine] == world.cloud.denial(found.text)
    assert (*ALICE, "prod-fix") not in world.cloud.effective(world.clock.now())
    assert len(cards(world)) == 1


def test_a_stray_that_is_rewritten_is_blocked_anew_and_its_card_shows_what_it_says_now(world: World) -> None:
    found = planted(world)
    world.cloud.plant(*ALICE, "prod-fix", PLANTED.replace("s3:*", "ec2:*"))
    looked(world)
    now = only_stray(world)
    assert (now.id, "ec2:*" in now.text) == (found.id, True)
    assert world.cloud.written()[*ALICE, found.quarantine] == world.cloud.denial(now.text)
    assert [message[-1].stray.text for message in cards(world)] == [now.text]
    assert world.tags("stray.") == ["stray.found", "stray.quarantined"] * 2


def test_where_it_cannot_be_blocked_the_card_says_why_and_it_is_tried_again(world: World) -> None:
    world.cloud.fail("deny", Fault.REFUSED)
    found = planted(world)
    assert (found.quarantined_at, found.problem) == (None, "deny was refused")
    assert cards(world)[0][-1].stray.problem == "deny was refused"
    looked(world)
    assert only_stray(world).quarantined_at is not None
    assert cards(world)[0][-1].stray.problem == ""


def test_a_policy_that_allows_nothing_is_recorded_and_needs_no_block(world: World) -> None:
    found = planted(world, text=PLANTED.replace("Allow", "Deny"))
    assert "nothing to deny" in found.problem
    assert (*ALICE, found.quarantine) not in world.cloud.written()


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.TIMED_OUT, Fault.TIMED_OUT_AFTER])
def test_blocking_is_tried_until_it_is_done(world: World, fault: Fault) -> None:
    world.cloud.fail("deny", fault, 3)
    planted(world)
    for _ in range(4):
        world.later(MINUTE)
    assert only_stray(world).quarantined_at is not None
    assert world.tags("stray.") == ["stray.found", "stray.quarantined"]


# --- what goes by itself ---------------------------------------------------------------------------------


def test_a_stray_that_goes_by_itself_is_settled_and_its_block_is_lifted(world: World) -> None:
    found = planted(world)
    world.cloud.remove(world.catalogue.accounts["payments"], "user/alice", "prod-fix")
    looked(world)
    assert strays(world) == ()
    gone = stray(world, found.id)
    assert (gone.fate, gone.settled_by) == (Fate.VANISHED, "prodaccess")
    assert world.cloud.written() == {}
    assert [card.stray.fate for card in cards(world)[0]][-1] is Fate.VANISHED
    assert world.tags("stray.")[-2:] == ["stray.decided", "stray.settled"]


def test_an_altered_grant_that_is_put_right_is_a_stray_no_more(world: World) -> None:
    grant, _ = altered(world)
    world.cloud.tamper(world.access.permission(grant))
    looked(world)
    assert strays(world) == ()
    assert world.is_effective(grant)


def test_an_altered_grant_that_expires_is_removed_as_ever_and_the_block_is_lifted(world: World) -> None:
    grant, found = altered(world)
    world.later(HOUR)
    assert world.grant(grant.id).end_reason is EndReason.EXPIRED
    looked(world)
    assert stray(world, found.id).fate is Fate.VANISHED
    assert world.cloud.written() == {}


def test_a_removed_stray_that_comes_back_is_a_new_one_with_a_card_of_its_own(world: World) -> None:
    first = planted(world)
    world.cloud.remove(world.catalogue.accounts["payments"], "user/alice", "prod-fix")
    looked(world)
    second = planted(world)
    assert second.id != first.id
    assert len(cards(world)) == 2


def test_what_comes_back_while_its_stray_is_being_settled_is_noticed_without_another_round(world: World) -> None:
    first = planted(world)
    world.cloud.remove(world.catalogue.accounts["payments"], "user/alice", "prod-fix")

    def come_back(call: Call, done: bool) -> None:
        if done and call.operation == "remove" and call.grant_id == first.quarantine:
            world.around = lambda *_: None
            world.cloud.plant(*ALICE, "prod-fix", PLANTED)

    world.around = come_back
    looked(world)
    assert stray(world, first.id).settled_at is not None
    world.later(SECOND_LOOK)
    world.run()
    assert only_stray(world).id != first.id


# --- the rounds ------------------------------------------------------------------------------------------


def test_every_account_is_looked_at_again_five_minutes_after_each_look(world: World) -> None:
    world.reconciling.begin()
    world.run()
    first = looks(world)
    assert first > 0
    world.later(PERIOD - SECOND)
    assert looks(world) == first
    world.later(SECOND)
    assert looks(world) == 2 * first
    assert looks(world, "search") > 0


def test_it_is_noticed_without_anybody_asking(world: World) -> None:
    world.reconciling.begin()
    world.run()
    world.cloud.plant(*ALICE, "prod-fix", PLANTED)
    looked_by_itself(world)
    assert only_stray(world).quarantined_at is not None


def test_an_account_that_is_new_is_looked_at_and_one_that_is_being_looked_at_is_left(world: World) -> None:
    assert world.reconciling.keep_at_it() == 2
    assert world.reconciling.keep_at_it() == 0
    world.run()
    account = Account("new", "New", "333333333333")
    world.catalogue = replace(world.catalogue, accounts={**world.catalogue.accounts, "new": account})
    assert world.reconciling.keep_at_it() == 1
    for _ in range(4):
        world.later(PERIOD)
        assert world.reconciling.keep_at_it() == 0


def test_a_lost_row_comes_back(world: World) -> None:
    world.reconciling.begin()
    world.run()
    with world.store.transaction() as tx:
        tx.cancel(["drift:payments"])
    world.later(FORGOTTEN_AFTER)
    assert world.reconciling.keep_at_it() == 1
    before = looks(world)
    world.run()
    assert looks(world) > before


def test_of_replicas_that_start_at_once_each_account_has_one_row(crowded_world: World) -> None:
    world = crowded_world
    at_once([world.reconciling.begin, world.reconciling.keep_at_it] * 4)
    claims = world.store.claim("drift", 100, LEASE)
    assert sorted(claim.key for claim in claims) == ["drift:payments", "drift:search"]


def test_replicas_that_find_the_same_at_once_record_it_once(crowded_world: World) -> None:
    world = crowded_world
    world.cloud.plant(*ALICE, "prod-fix", PLANTED)
    looked_once(world)
    world.clock.move(SECOND_LOOK)
    (claim,) = [claim for claim in world.store.claim("drift", 100, LEASE) if claim.kind == "drift.confirm"]
    late = replace(claim, fence=claim.fence - 1)
    at_once([lambda: world.runner.run(claim), lambda: world.runner.run(late), lambda: world.runner.run(late)])
    assert len(strays(world)) == 1
    assert world.tags("stray.") == ["stray.found"]


def test_a_principal_that_cannot_be_looked_at_does_not_keep_the_others(world: World) -> None:
    world.cloud.fail("existing", Fault.REFUSED)
    world.cloud.plant("payments", "user/sam", "prod-fix", PLANTED)
    looked_once(world)
    world.later(SECOND_LOOK)
    assert only_stray(world).principal == "user/sam"


def test_what_could_not_be_looked_at_is_not_missing(world: World) -> None:
    grant = world.granted()
    fails_for(world, lambda call: call.operation == "existing", CloudError("no answer", passing=True))
    looked(world)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE


def test_an_account_that_gives_no_answer_is_left_for_a_while_and_then_gone_on_with(world: World) -> None:
    people = {
        f"p{n}": replace(world.catalogue.people["bob"], id=f"p{n}", identities={"payments": f"user/p{n}"})
        for n in range(9)
    }
    world.catalogue = replace(world.catalogue, people={**world.catalogue.people, **people})
    fails_for(world, lambda call: call.operation == "existing", CloudError("no answer", passing=True))
    world.reconciling.begin()
    world.run()
    tried = looks(world)
    assert tried == reconciling.AWAY_AFTER
    world.around = lambda *_: None
    world.cloud.plant("payments", "user/p8", "prod-fix", PLANTED)
    world.later(ACCOUNT_AWAY)
    assert looks(world) == len(world.looking.places(world.catalogue.accounts["payments"]))
    world.later(SECOND_LOOK)
    assert only_stray(world).principal == "user/p8"


def test_throttling_is_waited_out_and_nobody_is_passed_over(world: World) -> None:
    world.cloud.fail("existing", Fault.THROTTLED)
    world.cloud.plant(*ALICE, "prod-fix", PLANTED)
    world.reconciling.begin()
    world.run()
    world.later(2 * SECOND)
    world.later(SECOND_LOOK)
    assert only_stray(world).principal == "user/alice"


def test_a_long_look_is_taken_in_slices_that_lose_nobody(world: World) -> None:
    seen: list[str] = []

    def slow(call: Call, done: bool) -> None:
        if call.operation == "existing" and done is False:
            seen.append(call.account)
            world.clock.move(reconciling.SLICE / 2)

    world.cloud.plant("payments", "user/alice", "prod-fix", PLANTED)
    world.cloud.plant("payments", "user/sam", "prod-fix", PLANTED)
    world.around = slow
    world.reconciling.begin()
    claims = 0
    while seen.count("payments") < 3:
        claims += world.worker.run_due("drift")
    assert claims > 2
    world.around = lambda *_: None
    world.later(SECOND_LOOK)
    assert {each.principal for each in strays(world)} == {"user/alice", "user/sam"}
    assert seen.count("payments") == 3


def test_a_worker_that_lost_its_lease_records_nothing(world: World) -> None:
    world.cloud.plant(*ALICE, "prod-fix", PLANTED)
    looked_once(world)
    world.clock.move(SECOND_LOOK)
    claim = world.claim("drift.confirm")
    world.clock.move(LEASE)
    world.runner.run(claim)
    assert strays(world) == ()
    world.run()
    assert only_stray(world).name == "prod-fix"


def test_an_account_that_left_the_catalogue_is_not_looked_at_any_more(world: World) -> None:
    world.reconciling.begin()
    world.without(accounts="search")
    world.run()
    assert looks(world, "search") == 0
    assert not [claim for claim in world.store.claim("drift", 10, LEASE) if claim.subject == "search"]


def test_a_principal_that_left_the_catalogue_is_looked_at_while_its_stray_is_open(world: World) -> None:
    found = planted(world)
    world.without(people="alice")
    world.cloud.remove(world.catalogue.accounts["payments"], "user/alice", "prod-fix")
    looked(world)
    assert stray(world, found.id).fate is Fate.VANISHED


def test_wide_access_under_a_live_grants_name_is_not_taken_for_the_grant(world: World) -> None:
    grant = world.granted()
    alter(world, grant, WIDE)
    looked_once(world)
    assert strays(world) == ()
    world.later(SECOND_LOOK)
    assert only_stray(world).kind is DriftKind.ALTERED


def test_a_stray_under_whose_name_a_grant_began_is_a_stray_no_more(world: World) -> None:
    grant = world.scheduled(start_at=world.clock.now() + HOUR)
    found = planted(world, name=grant.id)
    world.later(HOUR)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    looked(world)
    assert stray(world, found.id).fate is Fate.VANISHED
    assert strays(world) == ()
    assert world.is_effective(grant)


def test_what_was_altered_and_then_taken_away_is_missing_after_one_more_look(world: World) -> None:
    grant, _ = altered(world)
    take_away(world, grant)
    looked(world)
    world.later(SECOND_LOOK)
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.LOST)


# --- an account that does not answer ---------------------------------------------------------------------


def test_looks_that_get_no_answer_let_the_account_rest_for_everybody(world: World) -> None:
    world.cloud.fail("existing", Fault.TIMED_OUT, times=OPENS_AFTER)
    world.reconciling.begin()
    world.run()
    assert world.accounts.resting() == ("payments",)


def test_an_account_that_rests_is_neither_looked_at_nor_tended_and_is_afterwards(world: World) -> None:
    found = planted(world)
    world.cloud.remove(world.catalogue.accounts["payments"], found.principal, found.quarantine)
    for _ in range(OPENS_AFTER):
        assert not world.accounts.enter("payments")
        world.accounts.leave("payments", answered=False)
    before = len(world.cloud.calls)
    with world.store.transaction() as tx:
        tx.enqueue([tend(found, tx.now())])
    world.reconciling.begin()
    world.run()
    assert not [call for call in world.cloud.calls[before:] if call.account == "payments"]
    world.later(REST)
    world.run()
    asked = {call.operation for call in world.cloud.calls[before:] if call.account == "payments"}
    assert {"existing", "deny"} <= asked
    assert world.accounts.resting() == ()
