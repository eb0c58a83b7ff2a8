"""``prodaccess check`` shows everything that access.yaml says: nothing about who may do what is out of sight."""

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from bot.catalogue import CatalogueError, describe, inspect
from bot.catalogue.entries import Selected
from bot.catalogue.schema import Document

FULL: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "full.yaml").read_text(encoding="utf-8"))
Where = tuple[str | int, ...]

INSTEAD: dict[str, Any] = {
    "approvals": "C0OTHER",
    "security": "C0OTHER",
    "channel": "C0OTHER",
    "name": "Another Name",
    "title": "Another title",
    "number": "333333333333",
    "max": "50m",
    "days": ["sun"],
    "from": "2026-12-25",
    "to": "2027-01-01",
    "after": "12m",
    "during": "late",
    "outside": "refuse",
    "times": 2,
    "per": "44h",
    "most": 5,
    "pattern": "[A-Z]{1,2}-[0-9]+",
    "max_duration": "55m",
    "actions": ["s3:DeleteObject"],
    "resources": ["arn:aws:s3:::other-{bucket}/{prefix}"],
    "groups": ["security"],
    "tag": "other-tag",
    "person": "ravi",
    "kind": "opsgenie",
    "admins": ["ines"],
    "approve": {"people": ["ines"], "manager": True},
    "ask": {"people": ["tomas"]},
    "accounts": ["prod"],
}
"""What a key that cannot be left out may say instead; otherwise it is left out."""
INSTEAD_AT: dict[Where, Any] = {
    ("changes", "approve"): {"people": ["ravi"]},
    ("accounts", "prod", "broker_role"): "arn:aws:iam::111111111111:role/other",
    ("roles", "write", "provider"): "other",
    ("hours", "office", "from"): "10:00",
    ("hours", "office", "to"): "19:00",
    ("hours", "late", "from"): "21:00",
    ("hours", "late", "to"): "03:00",
    ("trackers", "jira", "kind"): "linear",
    ("roles", "write", "parameters", "prefix", "lookup", "kind"): "instances",
    ("trackers", "jira", "url"): "https://other.example",
    ("trackers", "code", "repository"): "shop/other",
    ("schedules", "rota", "people"): ["otto", "ravi"],
    ("schedules", "pager", "id"): "POTHER",
    ("roles", "write", "parameters", "bucket", "choices"): ["logs", "exports", "vault"],
    ("roles", "write", "parameters", "prefix", "pattern"): "[a-z]{1,9}",
    ("roles", "restart", "statements", 0, "actions"): ["ec2:StopInstances"],
    ("roles", "restart", "statements", 0, "resources"): ["arn:aws:ec2:{region}:{account}:instance/i-2"],
    ("roles", "look", "statements", 0, "resources"): ["arn:aws:s3:::other/*"],
    ("roles", "write", "approve", 1, "owner", "parameter"): "prefix",
    ("roles", "look", "automatic", "during"): "office",
    ("roles", "restart", "approve", "quorum"): 3,
    ("roles", "look", "ticket", "tracker"): "code",
    ("roles", "look", "automatic", "on_call"): "rota",
    ("bundles", "night", "roles", 0, "role"): "look",
    ("bundles", "night", "roles"): [{"role": "look"}],
    ("bundles", "night", "roles", 1, "params"): {"bucket": "logs", "prefix": "b"},
    ("schedules", "rota", "overrides", 0, "to"): "2026-12-30",
}
WHOLE = {"version", "accounts", "people", "roles", "work", "channels", "groups", "hours", "schedules", "trackers"}
PARTS = {"parameters", "statements"}
"""Sections, and parts of a role, that the rest leans on: what is in them is looked at one by one."""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def keys_of(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    """A model's keys, and the model of what stands there, if there is one."""
    found = {}
    for name, field in model.model_fields.items():
        inner = next(models_in(field.annotation), None)
        found[field.alias or name] = None if inner is Selected else inner
    return found


def nodes(value: Any, path: Where) -> Iterator[tuple[Where, dict[str, Any], bool]]:
    """Mappings at or below a value, down to the first that may be a model; and whether it is one of named entries."""
    if isinstance(value, dict):
        yield path, value, False
        for key, each in value.items():
            yield from ((where, node, True) for where, node, _ in nodes(each, (*path, key)))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from nodes(each, (*path, at))


def said(
    model: type[BaseModel], node: dict[str, Any], path: Where = ()
) -> Iterator[tuple[type[BaseModel], str, Where]]:
    """Every key of every model that the file has, and where."""
    known = keys_of(model)
    for key, value in node.items():
        if key not in known:
            continue
        yield model, key, (*path, key)
        inner = known[key]
        if inner is not None:
            for where, child, _ in nodes(value, (*path, key)):
                if child.keys() <= keys_of(inner).keys():
                    yield from said(inner, child, where)


def all_keys(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[tuple[str, str]]:
    if model in seen:
        return set()
    seen.add(model)
    found = {(model.__name__, key) for key in keys_of(model)}
    return found.union(*(all_keys(inner, seen) for inner in keys_of(model).values() if inner is not None))


SAID = list(dict.fromkeys((model.__name__, key, where) for model, key, where in said(Document, FULL)))


def shown(document: dict[str, Any], folder: Path) -> str:
    """The page; empty for what does not load."""
    file = folder / "access.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        found = inspect(file, providers=("aws_iam", "other"))
    except CatalogueError:
        return ""
    text = describe(found.catalogue, [replace(each, file="", line=0) for each in found.warnings])
    return text.replace(found.catalogue.digest[:12], "digest")


def changed(where: Where, value: Any, *, drop: bool) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    node: Any = document
    for part in where[:-1]:
        node = node[part]
    if drop:
        del node[where[-1]]
    else:
        node[where[-1]] = value
    return document


def variants(key: str, where: Where) -> Iterator[list[dict[str, Any]]]:
    """What else may stand there: of each list the first that loads is looked at."""
    yield [changed(where, value, drop=False) for value in others(where)]
    if where in INSTEAD_AT:
        yield [changed(where, INSTEAD_AT[where], drop=False)]
        return
    instead = [changed(where, INSTEAD[key], drop=False)] if key in INSTEAD else []
    yield [changed(where, None, drop=True), *instead]


def others(where: Where) -> Iterator[Any]:
    """Numbers and lengths of time a little different, where one stands there."""
    value: Any = FULL
    for part in where:
        value = value[part]
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (value - 1, value + 1)
    if isinstance(value, str) and (match := re.fullmatch(r"([0-9]+)([mhd])", value)):
        yield from (f"{int(match[1]) + step}{match[2]}" for step in (-1, 1))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return shown(FULL, tmp_path_factory.mktemp("full"))


def test_the_full_catalogue_says_every_key_there_is() -> None:
    assert {(model, key) for model, key, _ in SAID} == all_keys(Document, set())


@pytest.mark.parametrize(("model", "key"), sorted({(model, key) for model, key, _ in SAID}))
def test_every_key_is_shown(model: str, key: str, plain: str, tmp_path: Path) -> None:
    """Take it away, or say something else, wherever it stands and the rest allows it: the page is another one."""
    if (key in WHOLE and model == "Document") or (key in PARTS and model == "Role"):
        return
    tried = 0
    for where in [where for one, other, where in SAID if (one, other) == (model, key)]:
        for documents in variants(key, where):
            page = next(filter(None, (shown(document, tmp_path) for document in documents)), None)
            tried += page is not None
            is_another = page != plain
            assert is_another, where
    assert tried, f"say in INSTEAD what else may stand for {key} of {model}"
