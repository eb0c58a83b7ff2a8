"""What a form offers: what there is, as far as the parameter takes it; nothing where it cannot be listed in time."""

from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import pytest

from bot.core.lookups import Choice, LookUp, LookUpKind
from bot.core.model import Account, Parameter, Role
from bot.providers.fake import FakeProvider, Fault
from bot.service.caching import Cache
from bot.service.facts import READINGS_LIVE, Sources
from bot.service.lookups import LookUps
from tests.core.examples import CATALOGUE, READ

BUCKETS = LookUp(LookUpKind.BUCKETS)
BUCKET = Parameter("bucket", "Bucket", "payments-[a-z]+", lookup=BUCKETS)
ROLE = replace(READ, parameters=(BUCKET, Parameter("prefix", "Prefix", "[a-z]+")))
PROD, SEARCH = CATALOGUE.accounts["payments"], CATALOGUE.accounts["search"]
LOGS, EXPORTS, OTHER = Choice("payments-logs"), Choice("payments-exports"), Choice("crm-logs")


class Counter:
    """Seconds, as they are set."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def cloud() -> FakeProvider:
    fake = FakeProvider([])
    fake.offers = {("payments", BUCKETS): (LOGS, OTHER, EXPORTS), ("search", BUCKETS): (Choice("payments-copy"),)}
    return fake


@pytest.fixture
def clock() -> Counter:
    return Counter()


@pytest.fixture
def lookups(cloud: FakeProvider, clock: Counter) -> LookUps:
    return LookUps({"cloud": cloud}, Sources(choices=Cache(READINGS_LIVE, clock)))


def test_of_what_there_is_the_parameter_is_offered_what_it_takes(lookups: LookUps) -> None:
    assert lookups.choices(ROLE, PROD, BUCKET) == (EXPORTS, LOGS)
    assert lookups.unavailable(ROLE, PROD) == frozenset()


def test_it_is_listed_once_a_minute_for_each_account_and_kind(
    lookups: LookUps, cloud: FakeProvider, clock: Counter
) -> None:
    for _ in range(3):
        lookups.choices(ROLE, PROD, BUCKET)
        lookups.unavailable(ROLE, PROD)
    assert len(cloud.calls) == 1
    assert lookups.choices(ROLE, SEARCH, BUCKET) == (Choice("payments-copy"),)
    tagged = replace(BUCKET, lookup=LookUp(LookUpKind.INSTANCES, (("a", "b"),)))
    assert lookups.choices(ROLE, PROD, tagged) == ()
    moved = replace(PROD, number="999999999999")
    lookups.choices(ROLE, moved, BUCKET)
    assert len(cloud.calls) == 4, "another account under the same id, say after a reload, is another"
    clock.at += READINGS_LIVE.total_seconds()
    cloud.offers["payments", BUCKETS] = (LOGS,)
    assert lookups.choices(ROLE, PROD, BUCKET) == (LOGS,)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT, Fault.THROTTLED])
def test_what_cannot_be_listed_is_neither_offered_nor_asked_for_again_at_once(
    lookups: LookUps, cloud: FakeProvider, clock: Counter, fault: Fault
) -> None:
    cloud.fail("look_up", fault)
    assert lookups.choices(ROLE, PROD, BUCKET) is None
    assert lookups.unavailable(ROLE, PROD) == {"bucket"}
    assert len(cloud.calls) == 1
    clock.at += 30
    assert lookups.choices(ROLE, PROD, BUCKET) == (EXPORTS, LOGS)


def test_what_takes_long_is_not_waited_for_and_may_yet_come(cloud: FakeProvider) -> None:
    class Stuck(Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
            return Future()

    slow = LookUps({"cloud": cloud}, Sources(executor=Stuck()))
    assert slow.choices(ROLE, PROD, BUCKET, within=0.01) is None
    assert slow.unavailable(ROLE, PROD, within=0.01) == frozenset()


@pytest.mark.parametrize(
    ("role", "provider"), [(replace(ROLE, provider="other"), "cloud"), (ROLE, "none that lists anything")]
)
def test_a_provider_that_lists_nothing_has_its_parameters_typed(cloud: FakeProvider, role: Role, provider: str) -> None:
    providers: dict[str, Any] = {"cloud": cloud if provider == "cloud" else object()}
    lookups = LookUps(providers, Sources())
    assert lookups.unavailable(role, PROD) == {"bucket"}
    assert lookups.choices(role, PROD, BUCKET) is None


def test_a_role_without_look_ups_costs_no_call(lookups: LookUps, cloud: FakeProvider) -> None:
    account: Account = PROD
    assert lookups.unavailable(READ, account) == frozenset()
    assert cloud.calls == ()
