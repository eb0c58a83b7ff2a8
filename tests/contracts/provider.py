"""What every CloudProvider keeps to. Inherit from ProviderContract and give it a ``world``."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from bot.core.model import Account, Role, Statement
from bot.core.rules import Stage
from bot.service.ports import CloudProvider
from bot.service.records import CloudError, Observation, Permission

READ = '[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::payments-logs/app/*"]}]'
WRITE = '[{"Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::payments-logs/app/*"]}]'

DENIES = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'

ROLE = Role(
    id="s3-read",
    title="Read",
    provider="any",
    accounts=frozenset({"payments-prod"}),
    statements=(Statement(("s3:GetObject",), ("arn:aws:s3:::{bucket}/{account}/*",)),),
    longest=timedelta(hours=2),
    work=("bug-fix",),
    ask=(),
    stages=(Stage(manager=True),),
)

_numbers = count(1)


@dataclass(frozen=True)
class World:
    """A provider, and where it may be tried: ``principal`` and ``other`` exist, ``missing`` does not."""

    provider: CloudProvider
    account: Account
    principal: str
    other: str
    missing: str

    def permission(self, principal: str = "") -> Permission:
        """A new grant that would work now, for an hour."""
        now = datetime.now(UTC)
        return Permission(
            grant_id=f"gcontract{next(_numbers)}",
            account=self.account,
            principal=principal or self.principal,
            policy=READ,
            starts_at=now,
            expires_at=now + timedelta(hours=1),
            person="maya",
        )

    def of_this_test(self, principals: list[str], *mine: Permission) -> set[tuple[str, str]]:
        """What ``existing`` says, but for what others left behind."""
        ids = {permission.grant_id for permission in mine}
        return {pair for pair in self.provider.existing(self.account, principals) if pair[1] in ids}


class ProviderContract:
    """The port's promises."""

    @pytest.fixture
    def world(self) -> Iterator[World]:
        raise NotImplementedError

    def test_rendering_fills_in_the_parameters_and_what_it_makes_can_be_granted(self, world: World) -> None:
        policy = world.provider.render(ROLE, world.account, {"bucket": "payments-logs"})
        assert "payments-logs" in policy
        assert world.account.number in policy
        permission = replace(world.permission(), policy=policy)
        world.provider.grant(permission)
        assert world.provider.observe(permission).as_asked

    @pytest.mark.parametrize("params", [{}, {"bucket": "*"}, {"bucket": "a\nb"}])
    def test_a_parameter_that_cannot_be_used_is_named(self, world: World, params: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="bucket"):
            world.provider.render(ROLE, world.account, params)

    def test_what_was_granted_is_observed_as_asked(self, world: World) -> None:
        permission = world.permission()
        assert world.provider.observe(permission) == Observation(present=False)
        world.provider.grant(permission)
        assert world.provider.observe(permission) == Observation(present=True, as_asked=True)

    def test_granting_twice_is_granting_once(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(permission)
        world.provider.grant(permission)
        assert list(world.of_this_test([world.principal], permission)) == [(world.principal, permission.grant_id)]
        world.provider.revoke(permission)
        assert world.provider.observe(permission) == Observation(present=False)

    def test_what_was_revoked_is_observed_absent(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(permission)
        world.provider.revoke(permission)
        assert world.provider.observe(permission) == Observation(present=False)
        assert not world.of_this_test([world.principal], permission)

    def test_revoking_what_is_not_there_succeeds(self, world: World) -> None:
        never_granted = world.permission()
        world.provider.revoke(never_granted)
        world.provider.revoke(never_granted)
        world.provider.revoke(world.permission(world.missing))
        assert world.provider.observe(never_granted) == Observation(present=False)

    def test_granting_again_after_a_revocation_works(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(permission)
        world.provider.revoke(permission)
        world.provider.grant(permission)
        assert world.provider.observe(permission).as_asked

    def test_revoking_one_grant_leaves_the_others(self, world: World) -> None:
        first, second = world.permission(), world.permission()
        world.provider.grant(first)
        world.provider.grant(second)
        world.provider.revoke(first)
        assert world.provider.observe(second).as_asked
        assert world.of_this_test([world.principal], first, second) == {(world.principal, second.grant_id)}

    def test_other_statements_under_the_grants_name_are_not_as_asked(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(replace(permission, policy=WRITE))
        assert world.provider.observe(permission) == Observation(present=True, as_asked=False)

    def test_a_longer_window_under_the_grants_name_is_not_as_asked(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(replace(permission, expires_at=permission.expires_at + timedelta(days=1)))
        assert world.provider.observe(permission) == Observation(present=True, as_asked=False)

    def test_granting_to_a_missing_principal_fails_for_good_and_names_it(self, world: World) -> None:
        with pytest.raises(CloudError, match=world.missing.rpartition("/")[2]) as failure:
            world.provider.grant(world.permission(world.missing))
        assert not failure.value.passing

    def test_an_empty_window_is_refused_for_good(self, world: World) -> None:
        permission = world.permission()
        with pytest.raises(CloudError, match="empty") as failure:
            world.provider.grant(replace(permission, expires_at=permission.starts_at))
        assert not failure.value.passing
        assert world.provider.observe(permission) == Observation(present=False)

    def test_preflight_has_nothing_to_say_of_what_can_be_granted_and_grants_nothing(self, world: World) -> None:
        permission = world.permission()
        assert not world.provider.preflight(permission)
        assert world.provider.observe(permission) == Observation(present=False)

    def test_preflight_says_in_a_sentence_that_the_principal_is_missing(self, world: World) -> None:
        (problem,) = world.provider.preflight(world.permission(world.missing))
        assert world.missing.rpartition("/")[2] in problem
        assert world.account.title in problem
        assert problem.endswith(".")

    def test_a_missing_principal_has_nothing(self, world: World) -> None:
        assert world.provider.observe(world.permission(world.missing)) == Observation(present=False)
        assert list(world.provider.existing(world.account, [world.missing])) == []

    def test_existing_tells_whose_each_grant_is(self, world: World) -> None:
        mine, theirs = world.permission(), world.permission(world.other)
        world.provider.grant(mine)
        world.provider.grant(theirs)
        assert world.of_this_test([world.principal, world.other], mine, theirs) == {
            (world.principal, mine.grant_id),
            (world.other, theirs.grant_id),
        }
        assert world.of_this_test([world.other], mine, theirs) == {(world.other, theirs.grant_id)}
        assert list(world.provider.existing(world.account, [])) == []

    def test_a_policys_text_is_read_as_it_is_and_always_the_same(self, world: World) -> None:
        permission = world.permission()
        name = permission.grant_id
        assert world.provider.read(world.account, world.principal, name) is None
        assert world.provider.read(world.account, world.missing, name) is None
        world.provider.grant(permission)
        text = world.provider.read(world.account, world.principal, name)
        assert text is not None
        assert text == world.provider.read(world.account, world.principal, name)
        assert json.loads(text)["Statement"][0]["Resource"] == ["arn:aws:s3:::payments-logs/app/*"]
        world.provider.grant(replace(permission, policy=WRITE))
        assert world.provider.read(world.account, world.principal, name) != text

    def test_what_is_denied_reads_as_its_denial_and_leaves_what_it_denies(self, world: World) -> None:
        permission = world.permission()
        name = f"quarantine-{permission.grant_id}"
        world.provider.grant(permission)
        text = world.provider.read(world.account, world.principal, permission.grant_id) or ""
        for _ in range(2):
            world.provider.deny(world.account, world.principal, name, text)
            assert world.provider.read(world.account, world.principal, name) == world.provider.denial(text)
        assert world.provider.read(world.account, world.principal, permission.grant_id) == text
        found = {pair[1] for pair in world.provider.existing(world.account, [world.principal])}
        assert found >= {name, permission.grant_id}

    def test_removing_by_name_takes_that_one_and_is_safe_to_repeat(self, world: World) -> None:
        one, other = world.permission(), world.permission()
        world.provider.grant(one)
        world.provider.grant(other)
        for _ in range(2):
            world.provider.remove(world.account, world.principal, one.grant_id)
        world.provider.remove(world.account, world.missing, one.grant_id)
        assert world.provider.observe(one) == Observation(present=False)
        assert world.provider.observe(other).as_asked

    @pytest.mark.parametrize("text", ['{"Statement":[]}', DENIES, "[]"])
    def test_what_allows_nothing_cannot_be_denied_and_that_is_for_good(self, world: World, text: str) -> None:
        with pytest.raises(CloudError, match=r"nothing to deny.*\.$") as failure:
            world.provider.deny(world.account, world.principal, "quarantine-nothing", text)
        assert not failure.value.passing
        assert world.provider.read(world.account, world.principal, "quarantine-nothing") is None

    def test_the_statements_of_a_grants_policy_are_those_that_were_granted(self, world: World) -> None:
        permission = world.permission()
        world.provider.grant(permission)
        text = world.provider.read(world.account, world.principal, permission.grant_id) or ""
        policy, end = world.provider.statements(text)
        assert json.loads(policy) == json.loads(permission.policy)
        assert end == permission.expires_at.replace(microsecond=0)

    def test_many_threads_do_not_get_in_each_others_way(self, world: World) -> None:
        permissions = [world.permission() for _ in range(8)]

        def give_and_take(permission: Permission) -> tuple[Observation, Observation]:
            world.provider.grant(permission)
            given = world.provider.observe(permission)
            world.provider.revoke(permission)
            return given, world.provider.observe(permission)

        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(give_and_take, permissions))
        assert seen == [(Observation(present=True, as_asked=True), Observation(present=False))] * 8

    def test_how_to_use_names_the_profile(self, world: World) -> None:
        text = dict(world.provider.how_to_use(world.permission()))
        assert world.account.profile in text["Profile"]
