"""A small catalogue that is right, and a way to make it wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.catalogue import CatalogueError, Loaded, Problem, inspect

SOUND = """\
version: 1
zone: Europe/Vienna
channels: {approvals: C0APPROVALS, security: C0SECURITY}
summary: {channel: C0AUDIT, at: 9:30, zone: UTC}
admins: [sam]
work:
  bug-fix: {title: Bug fix, max: 2h}
  incident: {title: Incident, max: 24h}
accounts:
  prod:
    title: Production
    number: 111111111111
    region: eu-central-1
    tags: [prod, payments]
    broker_role: arn:aws:iam::111111111111:role/broker
    external_id: demo
    profile: p
  dev: {title: Development, number: 022222222222, tags: [payments]}
people:
  maya: {name: Maya, email: maya@example.com, slack: U0MAYA, manager: ines, aws: {prod: user/maya, dev: user/maya}}
  ines: {name: Ines, slack: [U0INES, W0INES]}
  ravi: {name: Ravi, slack: U0RAVI}
  sam: {name: Sam, slack: U0SAM}
groups:
  engineers: [maya]
  leads: [ines, ravi]
roles:
  read:
    title: Read files
    description: Look at objects.
    accounts: [prod]
    ask: {groups: [engineers]}
    approve: {manager: true, groups: [leads]}
    work: [incident, bug-fix]
    max_duration: 8h
    min_duration: 5m
    parameters:
      bucket: {title: Bucket, choices: [logs, exports], default: logs}
      prefix: {pattern: "^[a-z/]{1,20}$", hint: app/}
    statements:
      - actions: [s3:GetObject]
        resources: "arn:aws:s3:::{bucket}/{prefix}*"
        conditions: {StringEquals: {"aws:ResourceAccount": "{account}"}}
    step_up: {ask: always, approve: 20m}
    ticket: {pattern: "PAY-[0-9]+", hint: PAY-1}
    reason: {min: 12}
    lapses_after: 2h
    remind_before: 5m
    channel: C0READ
"""

Edit = tuple[str, str]
Check = Callable[..., list[Problem]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes the sound catalogue with some of its text replaced."""

    def write_it(*edits: Edit, text: str = SOUND) -> Path:
        for old, new in edits:
            assert old in text, f"{old!r} is not in the sound catalogue"
            text = text.replace(old, new)
        path = tmp_path / "access.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_it


@pytest.fixture
def errors(write: Callable[..., Path]) -> Check:
    """The problems for which the catalogue is refused after some edits; empty when it is not."""

    def find(*edits: Edit, text: str = SOUND) -> list[Problem]:
        try:
            inspect(write(*edits, text=text))
        except CatalogueError as error:
            return list(error.problems)
        return []

    return find


@pytest.fixture
def loaded(write: Callable[..., Path]) -> Callable[..., Loaded]:
    """The catalogue, loaded after some edits."""
    return lambda *edits: inspect(write(*edits))
