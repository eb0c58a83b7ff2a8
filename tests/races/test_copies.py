"""A thousand copies of one click, over two replicas: one effect."""

from collections import Counter

from tests.races.conftest import prepare_requests
from tests.races.racing import facts_of
from tests.races.replica import DONE, Order, Two
from tests.races.test_races import assert_decided_once

COPIES = 1_000
THREADS = 4
"""In each replica."""


def test_one_approval_sent_a_thousand_times_is_one_grant_and_one_call_to_the_cloud(two: Two, postgres_url: str) -> None:
    prepare_requests(postgres_url, ("r-0",))
    two.open(postgres_url)
    order = Order("approve", "r-0", "mona")
    outcomes: Counter[str] = Counter()
    for counted in two.both("copies", (order, order), (COPIES // 2,) * 2, (THREADS,) * 2):
        outcomes += counted
    assert outcomes == {DONE: 1, "late": COPIES - 1}
    assert_decided_once(facts_of(postgres_url), "r-0", "approve")

    calls = [call for calls in two.both("drain") for call in calls]
    (grant,) = facts_of(postgres_url).grants["r-0"]
    assert calls == [f"grant {grant.id}"]
    assert str(grant.status) == "active"
