"""The fake keeps the contract, and fails as it is told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Account
from bot.providers.fake import Call, FakeProvider, Fault
from bot.service.records import CloudError, Observation
from tests.contracts.provider import ProviderContract, World

ACCOUNT = Account(id="payments-prod", title="Payments (production)", number="111111111111", profile="payments-prod")


def world_of(provider: FakeProvider) -> World:
    return World(provider, ACCOUNT, "user/maya", "user/tomas", missing="user/nobody")


def fake(**options: object) -> FakeProvider:
    return FakeProvider([(ACCOUNT.id, "user/maya"), (ACCOUNT.id, "user/tomas")], **options)  # type: ignore[arg-type]


class TestFakeProvider(ProviderContract):
    @pytest.fixture
    def world(self) -> World:
        return world_of(fake())


@dataclass
class HandClock:
    """Time that passes when told."""

    at: datetime = datetime(2026, 3, 1, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_a_throttled_grant_is_not_made_and_may_be_tried_again() -> None:
    provider = fake()
    permission = world_of(provider).permission()
    provider.fail("grant", Fault.THROTTLED, times=2)
    for _ in range(2):
        with pytest.raises(CloudError) as failure:
            provider.grant(permission)
        assert failure.value.passing
        assert failure.value.retry_after
    assert not provider.held()
    provider.grant(permission)
    assert provider.observe(permission).as_asked
    assert [call.operation for call in provider.calls] == ["grant", "grant", "grant", "observe"]


def test_a_grant_that_timed_out_after_the_work_is_there_all_the_same() -> None:
    provider = fake()
    permission = world_of(provider).permission()
    provider.fail("grant", Fault.TIMED_OUT_AFTER)
    with pytest.raises(CloudError) as failure:
        provider.grant(permission)
    assert failure.value.passing
    assert provider.observe(permission).as_asked


def test_reads_see_a_write_only_after_the_lag() -> None:
    clock = HandClock()
    provider = fake(now=clock, lag=timedelta(seconds=5))
    permission = world_of(provider).permission()
    provider.grant(permission)
    assert provider.observe(permission) == Observation(present=False)
    clock.at += timedelta(seconds=5)
    assert provider.observe(permission).as_asked
    provider.revoke(permission)
    assert provider.observe(permission).present
    clock.at += timedelta(seconds=5)
    assert provider.observe(permission) == Observation(present=False)


def test_a_refusal_is_for_good_until_healed() -> None:
    provider = fake()
    permission = world_of(provider).permission()
    provider.fail("revoke", Fault.REFUSED, times=3)
    with pytest.raises(CloudError) as failure:
        provider.revoke(permission)
    assert not failure.value.passing
    provider.heal()
    provider.revoke(permission)


def test_dying_before_the_work_leaves_nothing_and_dying_after_it_leaves_the_grant() -> None:
    class Killed(Exception):
        pass

    for dies_after, is_there in ((False, False), (True, True)):

        def die(call: Call, done: bool, when: bool = dies_after) -> None:
            if done is when and call.operation == "grant":
                raise Killed

        provider = fake(around=die)
        permission = world_of(provider).permission()
        with pytest.raises(Killed):
            provider.grant(permission)
        assert provider.observe(permission).present is is_there


def test_effective_is_only_what_is_within_its_window() -> None:
    provider = fake()
    permission = world_of(provider).permission()
    provider.grant(permission)
    key = (ACCOUNT.id, permission.principal, permission.grant_id)
    assert provider.effective(permission.starts_at) == {key}
    assert provider.effective(permission.expires_at) == frozenset()
    provider.revoke(permission)
    assert provider.effective(permission.starts_at) == frozenset()


def test_a_removed_principal_takes_its_grants_with_it() -> None:
    provider = fake()
    permission = world_of(provider).permission()
    provider.grant(permission)
    provider.remove_principal(ACCOUNT.id, permission.principal)
    assert provider.observe(permission) == Observation(present=False)
    provider.revoke(permission)


def test_preflight_repeats_what_it_was_told_to_object() -> None:
    provider = fake()
    provider.object_with("The policies are full.")
    assert provider.preflight(world_of(provider).permission()) == ("The policies are full.",)
