"""``python -m tests.crashes STORY DATABASE ["POINT" before|after]``: one kill again, or the list of points."""

import sys
import tempfile
import time
from pathlib import Path

from bot.sandbox.aws import LocalAws
from bot.sandbox.aws_seed import seed
from tests.crashes.opening import database, opened
from tests.crashes.running import Broken, Playing
from tests.crashes.stories import STORIES
from tests.databases import running_postgres
from tests.scenarios.harness import Cloud


def main(name: str, kind: str, point: str = "", side: str = "") -> int:
    """0 when every promise was kept."""
    story = next(story for story in STORIES if story.name == name)
    with (
        tempfile.TemporaryDirectory() as temporary,
        LocalAws(Path(temporary) / "aws") as aws,
        running_postgres() as server,
        opened(Cloud(aws, seed(aws))) as stage,
        database(kind, Path(temporary), server) as fresh,
        stage.playing(story, Path(temporary), fresh) as playing,
    ):
        names = playing.points()
        print("\n".join(names))
        return _stop(playing, names, point, side)


def _stop(playing: Playing, names: list[str], point: str, side: str) -> int:
    stops = playing.stops(names)
    chosen = [stop for stop in stops if (stop.point, stop.side) == (point, side)] if point != "all" else stops
    wrong, started = 0, time.monotonic()
    for stop in chosen:
        try:
            playing.stop_at(stop)
        except Broken as broken:
            wrong += 1
            print(broken)
    print(f"{len(chosen)} of {len(stops)} stops, {wrong} wrong, {time.monotonic() - started:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
