"""docs/catalogue.md: every example loads as it stands, without a warning."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import catalogue
from bot.catalogue.source import read_source
from bot.core.model import Role

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```yaml\n(.*?)```", DOCS, re.DOTALL)


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    mappings = {key: {**one.get(key, {}), **value} for key, value in other.items() if isinstance(value, dict)}
    return {**one, **other, **mappings}


def loaded(text: str, folder: Path) -> catalogue.Loaded:
    file = folder / "access.yaml"
    parts = []
    for part in (EXAMPLES[0][1], text):
        file.write_text(part, encoding="utf-8")
        parts.append(dict(read_source(file).data))
    document = merged(*parts)
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return catalogue.inspect(file)


def test_there_is_an_example_for_each_part() -> None:
    assert len(EXAMPLES) == len(re.findall("```yaml", DOCS)) == 11


@pytest.mark.parametrize(("title", "text"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_the_example_loads_as_it_stands(title: str, text: str, tmp_path: Path) -> None:
    assert loaded(text, tmp_path).warnings == ()


def role_of(title: str, folder: Path) -> Role:
    text = next(text for heading, text in EXAMPLES if heading.startswith(title))
    return list(loaded(text, folder).catalogue.roles.values())[-1]


def test_the_simplest_has_one_stage_and_nothing_else(tmp_path: Path) -> None:
    role = role_of("The file", tmp_path)
    assert (role.quorum, role.hours, role.ticket, role.auto, role.break_glass) == (1, "", None, None, None)


def test_the_strictest_has_every_rule_that_narrows(tmp_path: Path) -> None:
    role = role_of("The strictest", tmp_path)
    assert role.critical
    assert role.quorum == 2
    assert role.outside is None
    assert role.hours == "office"
    assert role.ticket is not None
    assert role.ticket.must_be_open
    assert role.separation.teams
    assert role.caps.per_person == 1
    assert role.auto is role.break_glass is role.extend is None


def test_what_the_page_links_to_and_names_is_there() -> None:
    assert (ROOT / "docs" / "access.schema.json").exists()
    assert "(docs/catalogue.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
