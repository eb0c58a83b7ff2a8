"""The whole service on a real database, wired by hand, with a small company in it (``tests/core/examples.py``)."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.core.decisions import Decision, Outcome, Refusal
from bot.core.model import LANES, AccessRequest, Ask, Catalogue, Grant, Person, Role, lane_of
from bot.core.policy import Verdict
from bot.providers.fake import Call
from bot.service import homes
from bot.service.access import Access
from bot.service.alarms import Alarms
from bot.service.breaker import Accounts
from bot.service.clock import DatabaseClock
from bot.service.effects import LEASE, Runner, Worker
from bot.service.enrolment import Enrolments
from bot.service.extending import Extending
from bot.service.facts import Sources
from bot.service.granting import Granting
from bot.service.leaving import Leaving
from bot.service.looking import Looking
from bot.service.nudging import Nudging
from bot.service.overdue import Overdue
from bot.service.people import People
from bot.service.ports import Store
from bot.service.proof import Codes
from bot.service.queries import Queries
from bot.service.reconciling import Reconciling
from bot.service.records import Authenticator, ChatUser, Claim, Draft
from bot.service.reviews import Reviews
from bot.service.showing import Showing
from bot.service.strays import Strays
from bot.service.tending import Tending
from bot.service.watching import Watching
from bot.store import open_store
from tests.core.examples import ASK, CATALOGUE, NOW, actor
from tests.service.fakes import Cloud, CountingIds, FakeChat, FakeClock, FakeDirectory, FakeSources, PlainBox, code_at

TEAM = "T1"
ENROLLED = ("alice", "bob", "mona", "otto", "sam")
BUT_CHAT = tuple(lane for lane in LANES if lane != "chat")
CLICKS_APART = timedelta(seconds=30)
"""A code counts once, so whoever types the next one waits for it."""

T = TypeVar("T")


class World:
    """Everything wired, and the things that people do in few words."""

    def __init__(self, url: str = "", store: Store | None = None, clock: FakeClock | None = None) -> None:
        """On the database at ``url``, or on a ``store`` that goes by ``clock``."""
        self.catalogue: Catalogue = CATALOGUE
        self.clock = clock or FakeClock(NOW)
        self.store = store or open_store(url, clock=self.clock)
        self.chat = FakeChat()
        self.around: Callable[[Call, bool], object] = lambda *_: None
        """Called before (False) and after (True) each cloud call, as by something else that happens meanwhile."""
        self.cloud = Cloud(
            [(account, name) for person in CATALOGUE.people.values() for account, name in person.identities.items()],
            now=self.clock.now,
            around=self._meanwhile,
        )
        self.directory = FakeDirectory(
            *(
                ChatUser(chat_id, TEAM, person.name, person.email or "")
                for person in CATALOGUE.people.values()
                for chat_id in person.slack_ids
            ),
            ChatUser("U9", TEAM, "Zoe", "zoe@example.com"),
        )
        self.directory.groups["S1"] = frozenset({"U4"})
        self.people = People(lambda: self.catalogue, self.directory)
        self.codes = Codes(self.store, PlainBox(), CountingIds())
        self.providers = {"cloud": self.cloud}
        ids = CountingIds()
        self.outside = FakeSources()
        self.access = Access(
            self.store,
            lambda: self.catalogue,
            self.people,
            self.providers,
            self.codes,
            ids,
            sources=Sources(self.outside, self.outside),
        )
        self.queries = Queries(self.store, lambda: self.catalogue, self.people, self.providers, self.access.sources)
        self.enrolments = Enrolments(
            self.store, lambda: self.catalogue, self.people, self.codes, PlainBox(), ids, "prodaccess", ""
        )
        self.database_clock = DatabaseClock(self.clock, self.store)
        accounts = self.accounts = Accounts(16, clock=lambda: self.clock.now().timestamp())
        self.granting = Granting(self.access, self.database_clock, accounts)
        self.looking = Looking(self.access, accounts)
        self.strays = Strays(self.looking, ids)
        self.reconciling = Reconciling(self.looking, self.clock, ids, pause=lambda _: None)
        self.showing = Showing(self.store, self.queries, self.chat, self.enrolments, self.strays)
        self.reviews = Reviews(self.access)
        self.alarms = Alarms(self.store, self.queries, self.chat, self.reviews)
        self.leaving = Leaving(self.store, self.people)
        self.overdue = Overdue(self.store, lambda: self.catalogue, self.people, self.chat)
        handlers = {
            **self.granting.handlers(),
            **self.leaving.handlers(),
            **self.showing.handlers(),
            **self.overdue.handlers(),
            **self.enrolments.handlers(self.access),
            **self.reconciling.handlers(),
            **Extending(self.access).handlers(),
            **Tending(self.access, self.database_clock, accounts).handlers(),
            **Watching(self.store, lambda: self.catalogue, self.access.gathering, self.access.revoke).handlers(),
            **self.reviews.handlers(),
            **self.alarms.handlers(),
            **Nudging(self.queries, self.chat).handlers(),
        }
        self.runner = Runner(self.store, self.clock, handlers, self.granting.batches())
        self.worker = Worker(self.runner, dict.fromkeys(LANES, 1))
        for person in ENROLLED:
            self.enrol(person)

    def _meanwhile(self, call: Call, done: bool) -> None:
        self.around(call, done)

    def close(self) -> None:
        self.store.close()

    # --- the company -------------------------------------------------------------------------------------

    def change_role(self, role: str, **changes: Any) -> Role:
        """Edit access.yaml."""
        changed = replace(self.catalogue.roles[role], **changes)
        self.catalogue = replace(self.catalogue, roles={**self.catalogue.roles, role: changed})
        return changed

    def change_person(self, person: str, **changes: Any) -> None:
        changed = replace(self.catalogue.people[person], **changes)
        self.catalogue = replace(self.catalogue, people={**self.catalogue.people, person: changed})

    def without(self, **removed: str) -> None:
        """Take something out of access.yaml: ``without(people="alice")``."""
        for kind, key in removed.items():
            rest = {k: value for k, value in getattr(self.catalogue, kind).items() if k != key}
            self.catalogue = replace(self.catalogue, **{kind: rest})

    def enrol(self, person: str) -> None:
        sealed = PlainBox().seal(secret_of(person), person)
        with self.store.transaction() as tx:
            tx.save_authenticator(Authenticator(person, sealed, "k1", NOW, "sam"))

    def opens_home(self, *people: str) -> None:
        """They look at their pages, which are kept up to date from now on."""
        for person in people:
            homes.note_opened(self.store, person)

    # --- what people do ----------------------------------------------------------------------------------

    def person(self, person: str) -> Person:
        """As an edge finds them: by their chat account, where they have one."""
        chat_id = self.people.chat_id(person)
        return self.people.identify(chat_id, TEAM) if chat_id else self.catalogue.people[person]

    def code(self, person: str) -> str:
        """The next code of their authenticator."""
        self.clock.move(CLICKS_APART)
        return code_at(secret_of(person), self.clock.now())

    def prove(self, person: str, confirms: str = "") -> None:
        proof = self.codes.verify(person, self.code(person), confirms, actor(person))
        assert proof is not None

    def drafted(self, ask: Ask = ASK) -> Draft:
        """A draft, its code typed."""
        draft = self.access.draft(self.person(ask.requester), ask)
        assert not isinstance(draft, Verdict), draft.refusals
        self.prove(ask.requester, draft.digest())
        return draft

    def asked(self, **changes: Any) -> str:
        """A pending request's id."""
        ask = replace(ASK, **changes)
        draft = self.drafted(ask)
        done(self.access.submit(draft, self.person(ask.requester), actor(ask.requester)))
        return draft.id

    def approve(self, request_id: str, by: str = "mona") -> Outcome:
        """With a code, as from the code modal."""
        return self.access.deciding.approve_with_code(request_id, self.person(by), self.code(by), actor(by))

    def scheduled(self, **changes: Any) -> Grant:
        """A grant whose approval was just clicked; nothing ran yet."""
        (made,) = done(self.approve(self.asked(**changes))).grants
        return self.grant(made.id)

    def granted(self, **changes: Any) -> Grant:
        """A grant that is active in the cloud."""
        made = self.scheduled(**changes)
        self.run()
        grant = self.grant(made.id)
        assert str(grant.status) == "active", grant
        return grant

    # --- time and work -----------------------------------------------------------------------------------

    def run(self, lane: str = "access") -> None:
        """Everything that is due in a lane (``access``: in each but chat), and what that makes due."""
        lanes = BUT_CHAT if lane == "access" else (lane,)
        while sum(self.worker.run_due(each) for each in lanes):
            pass

    def later(self, by: timedelta, *lanes: str) -> None:
        """Move the clock, then run what is due (each lane but chat, unless told)."""
        self.clock.move(by)
        for lane in lanes or ("access",):
            self.run(lane)

    def claim(self, kind: str) -> Claim:
        """Lease what is due in its lane, as another worker would, and return the one of that kind."""
        claims = [claim for claim in self.store.claim(lane_of(kind), 100, LEASE) if claim.kind == kind]
        assert len(claims) == 1, claims
        return claims[0]

    # --- what is so --------------------------------------------------------------------------------------

    def request(self, request_id: str) -> AccessRequest:
        request = self.access.request(request_id)
        assert request is not None
        return request

    def grant(self, grant_id: str) -> Grant:
        grant = self.access.grant(grant_id)
        assert grant is not None
        return grant

    def grants(self, request_id: str) -> tuple[Grant, ...]:
        with self.store.transaction() as tx:
            return tx.grants(request_id)

    def is_effective(self, grant: Grant) -> bool:
        """Whether the cloud lets them in, now."""
        return (grant.account, grant.principal, grant.id) in self.cloud.effective(self.clock.now())

    def is_written(self, grant: Grant) -> bool:
        """Whether anything of it is in the cloud, effective or not."""
        return (grant.account, grant.principal, grant.id) in self.cloud.held()

    def cloud_calls(self) -> list[str]:
        """What the cloud was asked to change or show, in order."""
        return [call.operation for call in self.cloud.calls]

    def log(self) -> list[dict[str, Any]]:
        with self.store.transaction() as tx:
            return [json.loads(record.body) for record in tx.audit()]

    def tags(self, prefix: str = "") -> list[str]:
        """The log's tags, step-ups left out."""
        tags = [record["tag"] for record in self.log()]
        return [tag for tag in tags if tag.startswith(prefix) and not tag.startswith("step-up.")]


def secret_of(person: str) -> bytes:
    """A person's TOTP secret."""
    return person.encode().ljust(20, b".")


def done(outcome: Outcome) -> Decision:
    """The decision, which this must be."""
    assert isinstance(outcome, Decision), outcome
    return outcome


def refused(outcome: Outcome) -> Refusal:
    """The refusal, which this must be."""
    assert isinstance(outcome, Refusal), outcome
    return outcome


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Call all of them from threads that start together; raises what any of them raised."""
    gate, results, errors = threading.Barrier(len(calls)), {}, []

    def run(number: int, call: Callable[[], T]) -> None:
        gate.wait()
        try:
            results[number] = call()
        except BaseException as error:  # handed to the test's own thread below
            errors.append(error)

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(calls))]
