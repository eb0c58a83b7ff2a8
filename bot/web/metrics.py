"""Metrics, read from the database when they are asked for: every replica reports the whole service.

Take the maximum over replicas, never the sum.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from bot.core.audit import Tag
from bot.core.model import LANES, GrantStatus
from bot.core.versions import Standing
from bot.service.ports import Store, Tx
from bot.service.records import StoreUnavailable
from bot.service.reviews import overdue
from bot.service.summary import OVERDUE_AFTER

_PAGE = 1000


class StoreCollector(Collector):
    """What the store says now. Blocks for one short transaction a scrape, and one a thousand new records."""

    def __init__(self, store: Store, skew: Callable[[], timedelta], refused: Callable[[], bool]) -> None:
        self._store = store
        self._skew = skew
        self._refused = refused
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._events: Counter[str] = Counter()
        self._lag_seconds = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every metric; only ``prodaccess_database_up`` when the database does not answer."""
        up = GaugeMetricFamily("prodaccess_database_up", "Whether the database answered.")
        try:
            with self._lock:
                found = [*self._state(), *self._log(), self._clock(), self._reload()]
        except StoreUnavailable:
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        yield from found

    def _state(self) -> Iterator[Metric]:
        with self._store.transaction() as tx:
            now = tx.now()
            yield _grants(tx)
            yield _gauge(
                "prodaccess_grants_overdue",
                "Grants that should be gone and were not observed absent.",
                len(tx.overdue_grants(now - OVERDUE_AFTER)),
            )
            yield _gauge(
                "prodaccess_strays_open",
                "Policies under our name that the ledger does not account for, not settled yet.",
                len(tx.unsettled_strays()),
            )
            yield _gauge(
                "prodaccess_catalogue_changes_waiting",
                "Changes of access.yaml that wait for approval.",
                int(Standing.WAITING in tx.standing_digests()),
            )
            owed = tx.reviews_owed()
            yield _gauge("prodaccess_reviews_owed", "Broken glass that nobody has reviewed yet.", len(owed))
            late = len(overdue(owed, now))
            yield _gauge("prodaccess_reviews_overdue", "Broken glass that should have been reviewed by now.", late)
            yield _gauge("prodaccess_requests_pending", "Requests that wait for approvers.", len(tx.pending_requests()))
        yield self._lag(now)

    def _lag(self, now: datetime) -> Metric:
        lag = GaugeMetricFamily(
            "prodaccess_effect_lag_seconds", "Age of the oldest effect that is due and not done.", labels=("lane",)
        )
        for lane in LANES:
            due = self._store.next_due(lane)
            age = now - due if due is not None else timedelta(0)
            lag.add_metric((lane,), max(0.0, age.total_seconds()))
        return lag

    def _clock(self) -> Metric:
        text = "How far the database's clock was ahead of this process's when it was asked last."
        return _gauge("prodaccess_clock_skew_seconds", text, self._skew().total_seconds())

    def _reload(self) -> Metric:
        text = (
            "Whether this process has an access.yaml, or was told of one, that it cannot use; it keeps the one before."
        )
        return _gauge("prodaccess_catalogue_reload_refused", text, int(self._refused()))

    def _count(self, record: dict[str, Any]) -> None:
        self._events[record["tag"]] += 1
        if record["tag"] == Tag.GRANT_ENDED:
            self._lag_seconds += record["data"].get("lag_ms", 0) / 1000

    def _log(self) -> Iterator[Metric]:
        """Transitions since this process was first asked, counted from the audit log's new records."""
        if self._seen is None:
            with self._store.transaction() as tx:
                self._seen = tx.audit_head()[0]
        full = True
        while full:
            with self._store.transaction() as tx:
                records = tx.audit(self._seen, _PAGE)
            for record in records:
                self._count(json.loads(record.body))
                self._seen = record.seq
            full = len(records) == _PAGE
        events = CounterMetricFamily("prodaccess_events", "Audit records by tag.", labels=("tag",))
        for tag in Tag:
            events.add_metric((tag,), self._events[tag])
        yield events
        yield SummaryMetricFamily(
            "prodaccess_revocation_lag_seconds",
            "From when access should have been gone until it was observed absent.",
            count_value=self._events[Tag.GRANT_ENDED],
            sum_value=self._lag_seconds,
        )


def new_registry(
    store: Store,
    skew: Callable[[], timedelta] = lambda: timedelta(0),
    refused: Callable[[], bool] = lambda: False,
) -> CollectorRegistry:
    """A registry of its own with the service's metrics; asks nothing yet."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(store, skew, refused))
    return registry


def _grants(tx: Tx) -> Metric:
    counts = tx.count_unfinished()
    grants = GaugeMetricFamily("prodaccess_grants", "Grants that have not ended, by status.", labels=("status",))
    for status in GrantStatus:
        if status is not GrantStatus.ENDED:
            grants.add_metric((status,), counts.get(status, 0))
    return grants


def _gauge(name: str, help_text: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, help_text)
    gauge.add_metric((), value)
    return gauge
