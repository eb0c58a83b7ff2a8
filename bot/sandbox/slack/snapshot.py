"""Keeping the workspace in a file between two runs of the demo."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from bot.sandbox.slack.context import Slack
from bot.sandbox.slack.jsontypes import dump

_EVERY_SECONDS = 1.0


class Snapshot:
    """Saves a moment after a change, and replaces the file as a whole, so that it is never half written."""

    def __init__(self, slack: Slack, path: Path) -> None:
        self._slack = slack
        self._path = path
        self._saved_version = -1

    def load(self) -> bool:
        """Take up where the file left off; False if there is none.

        Raises:
            ValueError: the file is not a snapshot of this format.
        """
        if not self._path.exists():
            return False
        saved = json.loads(self._path.read_text("utf-8"))
        if not isinstance(saved, dict) or saved.get("format") != 1:
            raise ValueError(f"{self._path} is not a workspace that this version can read; start with --fresh")
        self._slack.restore(saved)
        return True

    def save(self) -> None:
        self._saved_version = self._slack.live.version
        beside = self._path.with_suffix(".tmp")
        beside.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(dump(self._slack.snapshot()))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    async def keep_saving(self) -> None:
        """Save whenever something has changed, at most once a second, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            if self._slack.live.version != self._saved_version:
                self.save()
