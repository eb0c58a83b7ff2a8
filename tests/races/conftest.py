"""Two replicas for all races, and databases with a thousand subjects to race for, prepared once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest

from bot.core.model import AccessRequest, Ask, Effect, Grant, GrantStatus, StepUp
from bot.service.ports import Tx
from bot.service.records import Authenticator, Draft
from bot.store import open_store
from tests.core.examples import APPROVED, HOUR, PENDING, SCHEDULED
from tests.databases import PostgresServer, postgres_server, postgres_url
from tests.races.replica import Two
from tests.service.fakes import PlainBox

__all__ = ["postgres_server", "postgres_url"]

ROUNDS = 1_000
REQUESTS = tuple(f"r-{number}" for number in range(ROUNDS))
GRANTS = tuple(f"g-{number}" for number in range(ROUNDS))


@pytest.fixture(scope="session")
def two() -> Iterator[Two]:
    with Two() as two:
        yield two


@pytest.fixture(scope="session")
def pending_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database of pending requests; the approvers have just proved that it is them."""
    with postgres_server.database() as url:
        prepare_requests(url)
        yield name_of(url)


@pytest.fixture(scope="session")
def active_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database of active grants whose time is up."""
    with postgres_server.database() as url:
        prepare_grants(url)
        yield name_of(url)


@pytest.fixture
def pending_url(postgres_server: PostgresServer, pending_template: str) -> Iterator[str]:
    with postgres_server.database(pending_template) as url:
        yield url


@pytest.fixture
def active_url(postgres_server: PostgresServer, active_template: str) -> Iterator[str]:
    with postgres_server.database(active_template) as url:
        yield url


def name_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def prepare_requests(url: str, ids: tuple[str, ...] = REQUESTS) -> None:
    """Pending requests with their timers on the books."""
    store = open_store(url)
    with store.transaction() as tx:
        now = tx.now()
        prove(tx, "alice", "mona", "otto")
        for request_id in ids:
            tx.save_request(replace(PENDING, id=request_id, asked_at=now, lapses_at=now + 4 * HOUR))
        # Early, as by a clock that is ahead: the race is about which comes first at the end itself.
        tx.enqueue([Effect("request.lapse", each, f"lapse:{each}", now) for each in ids])
    store.close()


def prepare_grants(url: str, ids: tuple[str, ...] = GRANTS) -> None:
    """Active grants, each of a request of its own, whose time is up and whose timers have not run."""
    store = open_store(url)
    with store.transaction() as tx:
        now = tx.now()
        for grant_id in ids:
            request = replace(APPROVED, id=grant_id.replace("g-", "r-"), asked_at=now - HOUR, decided_at=now - HOUR)
            tx.save_request(request)
            tx.save_grant(
                replace(
                    SCHEDULED,
                    id=grant_id,
                    request_id=request.id,
                    digest=request.digest(),
                    status=GrantStatus.ACTIVE,
                    starts_at=now - HOUR,
                    expires_at=now,
                    granted_at=now - HOUR + timedelta(seconds=1),
                )
            )
        tx.enqueue([Effect("grant.expire", each, f"expire:{each}", now) for each in ids])
    store.close()


def prove(tx: Tx, *people: str) -> None:
    """They have just typed a code for something."""
    for person in people:
        sealed = PlainBox().seal(b"x" * 20, person)
        tx.save_authenticator(Authenticator(person, sealed, "k1", tx.now(), "sam"))
        tx.save_step_up(StepUp(f"s-{person}", person, tx.now(), "something"))


def save_held(tx: Tx, number: int, role: str, expires_at: datetime) -> Grant:
    """Alice's active grant ``g-`` and that number, of the request ``r-``; its timer is on the books."""
    ask = replace(APPROVED.ask, role=role)
    since = tx.now() - HOUR
    request = replace(APPROVED, id=f"r-{number}", ask=ask, asked_at=since, decided_at=since)
    grant = replace(
        SCHEDULED,
        id=f"g-{number}",
        request_id=request.id,
        role=role,
        digest=request.digest(),
        status=GrantStatus.ACTIVE,
        starts_at=since,
        expires_at=expires_at,
        granted_at=since + timedelta(seconds=1),
    )
    tx.save_request(request)
    tx.save_grant(grant)
    tx.enqueue([Effect("grant.expire", grant.id, f"expire:{grant.id}", expires_at)])
    return grant


def save_extension(tx: Tx, number: int, old: Grant) -> AccessRequest:
    """The pending request ``x-`` and that number, to go on from Alice's grant."""
    ask = replace(APPROVED.ask, role=old.role, extends=old.id)
    now = tx.now()
    request = replace(PENDING, id=f"x-{number}", ask=ask, asked_at=now, lapses_at=now + 4 * HOUR)
    tx.save_request(request)
    return request


def save_draft(tx: Tx, draft_id: str, ask: Ask) -> None:
    """What somebody is about to send; the code for exactly this was typed."""
    draft = Draft(draft_id, ask.requester, ask, tx.now())
    tx.save_draft(draft)
    tx.save_step_up(StepUp(f"s-{draft_id}", ask.requester, tx.now(), draft.digest()))
