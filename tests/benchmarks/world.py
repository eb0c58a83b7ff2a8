"""The bot's parts in this process, beside replicas or alone, and what people do, in bulk."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import sqlalchemy as sa

from bot.app import Parts, assemble
from bot.core.audit import Actor, ActorKind
from bot.core.decisions import Decision
from bot.core.model import LANES, Ask, Grant, GrantStatus, StepUp
from bot.sandbox.aws_seed import Keys
from bot.service.effects import Worker
from bot.service.records import Draft
from bot.store.engine import make_engine
from bot.store.tables import effects
from tests.benchmarks import company
from tests.benchmarks.instant import InstantSession
from tests.benchmarks.large import Large
from tests.benchmarks.places import Place
from tests.benchmarks.processes import STUB_KEYS, Replica, replica, wait_until

ACTING = tuple(lane for lane in LANES if lane not in {"chat", "drift"})
"""The lanes that must be quick. What is said is paced by Slack's limits, and looks at the cloud never end."""


class World:
    """The bot's parts, on AWS that answers at once."""

    def __init__(self, place: Place, parts: Parts, engine: sa.Engine) -> None:
        self.place, self.parts = place, parts
        self.engine = engine
        """Straight to the database, past the store."""
        self.worker = Worker(parts.runner, dict.fromkeys(LANES, 1))

    def replica(self, name: str = "replica", keys: Keys = STUB_KEYS) -> AbstractContextManager[Replica]:
        """A replica beside these parts, on the same settings; ``keys`` are for an AWS that looks at them."""
        return replica(self.parts.settings, self.parts.settings.catalogue.with_name(f"{name}.log"), keys)

    def ask(self, number: int) -> str:
        """Engineer ``number`` asks; the id of the pending request."""
        access, person = self.parts.desk.access, self.parts.catalogue.people[company.engineer(number)]
        account = company.account(number)
        day = timedelta(hours=20)
        ask = Ask(person.id, company.role(account), account, {"bucket": "logs"}, "incident", day, "a long reason")
        draft = access.draft(person, ask)
        assert isinstance(draft, Draft), draft
        outcome = access.submit(draft, person, _actor(person.id))
        assert isinstance(outcome, Decision), outcome
        return draft.id

    def approve(self, request_id: str, number: int) -> None:
        """Their manager approves."""
        person = self.parts.catalogue.people[company.manager(number)]
        outcome = self.parts.desk.access.deciding.approve(request_id, person, _actor(person.id))
        assert isinstance(outcome, Decision), outcome

    def prove(self, numbers: Sequence[int]) -> None:
        """Each of these engineers' managers has just typed a code."""
        with self.parts.store.transaction() as tx:
            for number in numbers:
                tx.save_step_up(StepUp(self.parts.desk.access.ids.new("s"), company.manager(number), tx.now(), "bench"))

    def granted(self, number: int, *, run: bool = True) -> Grant:
        """Engineer ``number`` asks, their manager approves; the grant, active. ``run`` False: replicas do the rest."""
        request_id = self.ask(number)
        self.prove([number])
        self.approve(request_id, number)
        if run:
            self.run_lanes()
        else:
            self.wait_until_quiet()
        with self.parts.store.transaction() as tx:
            (grant,) = tx.grants(request_id)
        assert grant.status is GrantStatus.ACTIVE, grant
        return grant

    def end_all(self) -> None:
        """Revoke all that there is, and wait until replicas have removed it."""
        for grant in self.parts.desk.queries.unfinished():
            self.revoke(grant.id)
        self.wait_until_quiet()

    def revoke(self, grant_id: str) -> None:
        """An operator stops it."""
        actor = Actor(ActorKind.OPERATOR, "bench", "cli")
        outcome = self.parts.desk.access.revoke(grant_id, None, actor, "done")
        assert isinstance(outcome, Decision), outcome

    def run_lanes(self, *lanes: str) -> int:
        """Run what is due in these lanes (``ACTING`` where none is named), until nothing is; how many effects."""
        ran = 0
        while done := sum(self.worker.run_due(lane) for lane in lanes or ACTING):
            ran += done
        return ran

    def wait_until_quiet(self, within: float = 600.0) -> None:
        """Until other processes have run all that is due in the lanes that act."""
        wait_until(lambda: self.due() == 0, "nothing to be due", within)

    def say_no_more(self) -> None:
        """Drop what waits to be said: Slack's limits pace it for minutes, and it would go on beside what comes next."""
        with self.engine.begin() as connection:
            free = effects.c.lease_until.is_(None)
            connection.execute(sa.delete(effects).where(effects.c.lane == "chat", free))

    def look_no_more(self) -> None:
        """Put off every look at the cloud and at the chat's directory, so that nothing is due."""
        later = self.parts.store.ping() + timedelta(days=1)
        with self.engine.begin() as connection:
            looks = sa.or_(effects.c.lane == "drift", effects.c.kind == "people.leavers")
            free = effects.c.lease_until.is_(None)
            connection.execute(sa.update(effects).where(looks, free).values(due_at=later))

    def due(self, *lanes: str) -> int:
        """How many effects are due or under way in these lanes (``ACTING`` where none is named)."""
        with self.engine.connect() as connection:
            now = self.parts.store.ping()
            query = sa.select(sa.func.count()).select_from(effects).where(effects.c.due_at <= now)
            found: int = connection.execute(query.where(effects.c.lane.in_(lanes or ACTING))).scalar_one()
            return found


@contextmanager
def world(place: Place, slack_url: str, aws_url: str = "", large: Large | None = None) -> Iterator[World]:
    """Parts on this database and this Slack, of the small company or a ``large`` one; ``aws_url``: for its replicas."""
    path = place.folder / "access.yaml"
    catalogue = large.write(path) if large else company.write_catalogue(path)
    engine, session = make_engine(place.url, 1), InstantSession()
    settings = company.settings(place.url, catalogue, slack_url, aws_url)
    with assemble(settings, session=session) as parts:  # type: ignore[arg-type]
        try:
            yield World(place, parts, engine)
        finally:
            engine.dispose()


def _actor(person: str) -> Actor:
    return Actor(ActorKind.PERSON, person, "slack", company.slack_id(person))
