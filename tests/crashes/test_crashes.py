"""A process is killed before and after everything that it does: nothing is lost, nothing is done twice."""

from pathlib import Path

import pytest

from tests.crashes.opening import Stage, database
from tests.crashes.points import Stop
from tests.crashes.running import Broken, Playing
from tests.crashes.stories import STORIES, Story
from tests.databases import PostgresServer

LEAST = {
    ("ask", "postgresql"): 58,
    ("grant", "sqlite"): 62,
    ("grant", "postgresql"): 68,
    ("release", "sqlite"): 40,
    ("release", "postgresql"): 44,
    ("revoke", "sqlite"): 22,
    ("revoke", "postgresql"): 24,
    ("expire", "sqlite"): 20,
    ("expire", "postgresql"): 24,
    ("late", "postgresql"): 58,
    ("extend", "sqlite"): 46,
    ("extend", "postgresql"): 50,
    ("several", "sqlite"): 40,
    ("several", "postgresql"): 44,
    ("deny", "sqlite"): 14,
    ("deny", "postgresql"): 16,
    ("cancel", "sqlite"): 38,
    ("lapse", "postgresql"): 38,
    ("enrol", "postgresql"): 109,
    ("without-slack", "sqlite"): 26,
    ("shell", "sqlite"): 10,
    ("summary", "postgresql"): 64,
    ("grant-replicas", "postgresql"): 68,
    ("grant-paused", "postgresql"): 38,
    ("release-replicas", "postgresql"): 44,
    ("release-paused", "postgresql"): 26,
}
"""Stops of a story on a database. Fewer means that points went unseen."""
CASES = [(story, kind) for story in STORIES for kind in story.databases]


@pytest.mark.parametrize(("story", "kind"), CASES, ids=[f"{story.name}-{kind}" for story, kind in CASES])
def test_a_crash_anywhere_breaks_no_promise(
    story: Story, kind: str, stage: Stage, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with database(kind, tmp_path, postgres_server) as fresh, stage.playing(story, tmp_path, fresh) as playing:
        names = playing.points()
        missing = [kind for kind in story.expects if not any(name.startswith(f"{kind} #") for name in names)]
        assert not missing, names
        stops = playing.stops(names)
        assert len(stops) >= LEAST[story.name, kind], f"{len(stops)}: {names}"
        wrong = [found for stop in stops if (found := _found_at(playing, stop))]
        print(f"{len(stops)} stops in {story.name} on {kind}")
        assert not wrong, "\n".join(wrong)


def test_there_are_more_than_a_thousand_kills() -> None:
    assert sum(LEAST[story.name, kind] for story, kind in CASES if not story.paused) > 1000


def _found_at(playing: Playing, stop: Stop) -> str:
    try:
        playing.stop_at(stop)
    except Broken as broken:
        return str(broken)
    return ""
