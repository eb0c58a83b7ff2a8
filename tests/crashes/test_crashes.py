"""A process is killed before and after everything that it does: nothing is lost, nothing is done twice."""

from pathlib import Path

import pytest

from tests.crashes.opening import Stage, database
from tests.crashes.points import Stop
from tests.crashes.running import Broken, Playing
from tests.crashes.stories import STORIES, Story
from tests.databases import PostgresServer

LEAST = {
    "ask": 72,
    "grant": 76,
    "release": 50,
    "revoke": 62,
    "expire": 48,
    "late": 66,
    "deny": 58,
    "cancel": 46,
    "lapse": 44,
    "enrol": 112,
    "without-slack": 30,
    "shell": 14,
    "summary": 70,
    "grant-replicas": 84,
    "release-replicas": 56,
    "grant-paused": 38,
    "release-paused": 26,
}
"""Stops of a story on each of its databases: two for each point. Fewer means that points went unseen."""
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
        assert len(stops) >= LEAST[story.name], f"{len(stops)}: {names}"
        wrong = [found for stop in stops if (found := _found_at(playing, stop))]
        print(f"{len(stops)} stops in {story.name} on {kind}")
        assert not wrong, "\n".join(wrong)


def test_there_are_more_than_a_thousand_kills() -> None:
    assert sum(LEAST[story.name] for story, _ in CASES if not story.paused) > 1000


def _found_at(playing: Playing, stop: Stop) -> str:
    try:
        playing.stop_at(stop)
    except Broken as broken:
        return str(broken)
    return ""
