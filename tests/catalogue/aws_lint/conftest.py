"""A role whose statements a test writes, looked up among the real actions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.catalogue import CatalogueError, Problem
from bot.catalogue.aws_lint import Database, lint, load
from bot.catalogue.load import judge
from bot.catalogue.shape import read_document
from bot.catalogue.source import read_source

ROLE = """\
version: 1
channels: {approvals: C0APPROVALS, security: C0SECURITY}
admins: [sam]
work: {incident: {title: Incident, max: 24h}}
accounts:
  prod: {title: Production, number: "111111111111", region: eu-central-1}
  dev: {title: Development, number: "222222222222", region: eu-central-1}
people:
  maya: {name: Maya, slack: U0MAYA, aws: {prod: user/maya}}
  ravi: {name: Ravi, slack: U0RAVI, aws: {prod: role/ravi, dev: user/ravi}}
  sam: {name: Sam, slack: U0SAM}
roles:
  looked-at:
    title: Looked at
    accounts: [prod]
    ask: {people: [maya]}
    approve: {people: [sam]}
    max_duration: 8h
"""
Look = Callable[..., list[Problem]]


@pytest.fixture(scope="session")
def database() -> Database:
    return load()


@pytest.fixture
def look(tmp_path: Path, database: Database) -> Look:
    """What is found in a role of these statements; each is (actions, resources, conditions) as YAML writes them."""

    def look_at(*statements: tuple[str, ...], more: str = "", asker: str = "maya") -> list[Problem]:
        extra = "".join(f"    {line}\n" for line in more.splitlines())
        text = f"{ROLE}{extra}    statements:\n".replace("people: [maya]", f"people: [{asker}]")
        for actions, resources, *conditions in statements:
            text += f"      - actions: [{actions}]\n        resources: [{resources}]\n"
            text += f"        conditions: {conditions[0]}\n" if conditions else ""
        file = tmp_path / "access.yaml"
        file.write_text(text, encoding="utf-8")
        source = read_source(file)
        shaped = read_document(source)
        try:
            catalogue = judge(source, shaped).catalogue
        except CatalogueError:
            catalogue = None
        return lint(source, shaped, catalogue, database)

    return look_at
