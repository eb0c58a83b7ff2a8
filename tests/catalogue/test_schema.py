"""The JSON Schema for editors says what the loader says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bot.catalogue import Problem, load, schema
from bot.catalogue.source import read_source

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "bot" / "sandbox" / "demo" / "access.yaml"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def test_the_schema_in_docs_is_current() -> None:
    stored = json.loads((ROOT / "docs" / "access.schema.json").read_text())
    fix = "write it anew: prodaccess check --schema > docs/access.schema.json"
    assert stored == json.loads(json.dumps(schema())), fix


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_what_loads_is_valid_in_an_editor(validator: Draft202012Validator, write: Callable[..., Path]) -> None:
    for path in (DEMO, write(), write(("accounts: [prod]", "accounts: {tags: [prod]}"))):
        load(path)
        assert [error.message for error in validator.iter_errors(dict(read_source(path).data))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("max: 2h", "max: 2"),
        ("max: 2h", "maximum: 2h"),
        ("C0APPROVALS", "prod-access"),
        ("prod: user/maya", "prod: maya"),
        ("accounts: [prod]", "accounts: []"),
        ("accounts: [prod]", "accounts: {tag: [prod]}"),
        ("approve: 20m", "approve: sometimes"),
        ("s3:GetObject", "GetObject"),
        ("    title: Read files\n", ""),
    ],
)
def test_what_an_editor_marks_does_not_load(
    old: str,
    new: str,
    validator: Draft202012Validator,
    write: Callable[..., Path],
    errors: Callable[..., list[Problem]],
) -> None:
    path = write((old, new))
    assert list(validator.iter_errors(dict(read_source(path).data)))
    assert errors((old, new))
