"""``python -m tests.crashes STORY DATABASE ["POINT" before|after]``: one stop again; without a point, the points.

``all`` stands for every story, every database or every point.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.aws import LocalAws
from bot.sandbox.aws_seed import seed
from tests.crashes.opening import Stage, database, opened
from tests.crashes.running import Broken, Playing
from tests.crashes.stories import STORIES, Story
from tests.databases import PostgresServer, running_postgres
from tests.scenarios.harness import Cloud


def main(name: str, kind: str, point: str = "", side: str = "") -> int:
    """0 when every promise was kept."""
    wrong = 0
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        aws = stack.enter_context(LocalAws(temporary / "aws"))
        server = stack.enter_context(running_postgres())
        stage = stack.enter_context(opened(Cloud(aws, seed(aws))))
        for story in (story for story in STORIES if name in {story.name, "all"}):
            for each in (each for each in story.databases if kind in {each, "all"}):
                folder = temporary / f"{story.name}-{each}"
                folder.mkdir()
                wrong += _play(story, each, stage, server, folder, point, side)
    return 1 if wrong else 0


def _play(story: Story, kind: str, stage: Stage, server: PostgresServer, folder: Path, point: str, side: str) -> int:
    with database(kind, folder, server) as fresh, stage.playing(story, folder, fresh) as playing:
        names = playing.points()
        if point != "all":
            print("\n".join(names))
        return _stop(playing, names, f"{story.name} on {kind}", point, side)


def _stop(playing: Playing, names: list[str], where: str, point: str, side: str) -> int:
    stops = playing.stops(names)
    chosen = [stop for stop in stops if (stop.point, stop.side) == (point, side)] if point != "all" else stops
    wrong, started = 0, time.monotonic()
    for stop in chosen:
        try:
            playing.stop_at(stop)
        except Broken as broken:
            wrong += 1
            print(broken)
    print(
        f"{where}: {len(chosen)} of {len(stops)} stops, {wrong} wrong, {time.monotonic() - started:.1f} s", flush=True
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
