"""What the stories need around them: one local AWS, one Slack, one fork server for a whole test run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.sandbox.slack.server import LocalSlack
from tests.crashes.bots import Zygote, first_zygote
from tests.crashes.databases import Database, PostgresRows, SqliteFile
from tests.crashes.running import Playing, begun
from tests.crashes.stories import Story
from tests.crashes.world import World, fixed_order
from tests.databases import PostgresServer, migrated_sqlite
from tests.scenarios.company import workspace
from tests.scenarios.harness import Cloud


class Stage:
    """Where stories are played, one after the other."""

    def __init__(self, cloud: Cloud, slack: LocalSlack, zygote: Zygote) -> None:
        self._cloud, self._slack, self._zygote = cloud, slack, zygote
        self._empty = slack.saved()

    @contextmanager
    def playing(self, story: Story, folder: Path, database: Database) -> Iterator[Playing]:
        """A story at its beginning, in a world of its own."""
        self._slack.restore(self._empty)
        self._cloud.clear()
        world = World(folder, self._zygote, self._slack, self._cloud, database)
        try:
            yield begun(story, world)
        finally:
            world.close()
            self._slack.clear_faults()
            self._cloud.clear()


@contextmanager
def opened(cloud: Cloud) -> Iterator[Stage]:
    """Slack and the fork server, started."""
    with LocalSlack(workspace()) as slack, first_zygote(fixed_order(slack, cloud)) as zygote:
        yield Stage(cloud, slack, zygote)


@contextmanager
def database(kind: str, folder: Path, server: PostgresServer) -> Iterator[Database]:
    """A fresh, migrated one."""
    if kind == "sqlite":
        yield SqliteFile(folder / "prodaccess.db", migrated_sqlite())
        return
    with server.database() as url:
        rows = PostgresRows(url)
        yield rows
        rows.close()
