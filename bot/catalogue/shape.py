"""From plain data to a Document, with every deviation told in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.catalogue.problems import Finding, Path, suggest
from bot.catalogue.schema import Document
from bot.catalogue.source import Source

_SECTIONS = {"work", "accounts", "people", "groups", "roles"}
_STAND_INS: Mapping[str, object] = {
    "version": 1,
    "channels": {"approvals": "C00", "security": "C00"},
    "admins": ["xx"],
    "work": {"x": {"title": "x", "max": "1m"}},
    "accounts": {"x": {"title": "x", "number": "000000000000"}},
    "people": {"xx": {"name": "x"}},
    "roles": {
        "x": {
            "title": "x",
            "accounts": ["x"],
            "ask": {},
            "approve": {"manager": True},
            "max_duration": "1m",
            "statements": [{"actions": ["s3:GetObject"], "resources": ["x"]}],
        }
    },
}
"""What takes the place of a part that is wrong, so that the rest can be looked at all the same."""
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """``document`` is what could be read; ``stand_ins`` are the sections of it that are made up."""

    document: Document | None
    findings: tuple[Finding, ...]
    stand_ins: frozenset[str] = frozenset()


def read_document(source: Source) -> Shaped:
    """Everything of ``source`` that has the right shape, and a finding for everything that does not."""
    try:
        return Shaped(Document.model_validate(source.data), ())
    except ValidationError as error:
        errors = error.errors(include_url=False)
    findings = tuple(_explain(source, each) for each in errors)
    data, stand_ins = _without_what_is_wrong(source, [_locate(source, each["loc"]) for each in errors])
    try:
        return Shaped(Document.model_validate(data), findings, stand_ins)
    except ValidationError:
        return Shaped(None, findings)


def _without_what_is_wrong(source: Source, wrong: Sequence[Path]) -> tuple[dict[str, object], frozenset[str]]:
    data = dict(source.data)
    for path in wrong:
        section = data.get(str(path[0])) if path else None
        if len(path) > 1 and path[0] in _SECTIONS and isinstance(section, dict):
            data[str(path[0])] = {key: value for key, value in section.items() if key != path[1]}
        elif path:
            data.pop(str(path[0]), None)
    stand_ins = frozenset(key for key in _STAND_INS if not data.get(key))
    return {**data, **{key: _STAND_INS[key] for key in stand_ins}}, stand_ins


def _locate(source: Source, location: tuple[int | str, ...]) -> Path:
    """Where in the file pydantic's location is: it also names union members, keys and made-up steps."""
    path: Path = ()
    for part in location:
        if (*path, part) in source.lines:
            path = (*path, part)
    return path or location[:1]


def _explain(source: Source, error: ErrorDetails) -> Finding:
    path, kind, context = _locate(source, error["loc"]), error["type"], error.get("ctx", {})
    if kind == "missing":
        key = str(error["loc"][-1])
        here = path if path[-1:] != (key,) else path[:-1]
        return Finding((*here, key), "is missing", _purpose(here, key))
    if kind == "extra_forbidden":
        return Finding(path, "is not a known key", suggest(str(path[-1]), _known_keys(path[:-1])))
    if error["input"] is None and kind not in {"too_short", "catalogue"}:
        return Finding(path, "is empty", "give it a value or remove the key")
    if kind == "catalogue":
        return Finding(path, str(context["message"]), str(context["hint"]))
    if wanted := _KINDS.get(kind):
        hint = "put it in quotes" if kind == "string_type" and not isinstance(error["input"], list | dict) else ""
        return Finding(path, f"has to be {wanted}, not {_kind_of(error['input'])}", hint)
    return Finding(path, _in_words(kind, context) or error["msg"][:1].lower() + error["msg"][1:])


def _in_words(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "too_short":
            return "is empty: at least one is needed"
        case "string_too_short" if context["min_length"] == 1:
            return "is empty"
        case "string_too_short":
            return f"is too short: it needs {context['min_length']} characters"
        case "string_too_long" | "too_long":
            return f"is too long: the limit is {context['max_length']}"
        case "greater_than_equal":
            return f"is too small: the least is {context['ge']}"
        case "less_than_equal":
            return f"is too large: the most is {context['le']}"
        case "literal_error":
            return f"has to be {context['expected']}"
    return ""


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "a mapping"


def _model_at(path: Path) -> type[BaseModel] | None:
    """The model that describes what stands at ``path``."""
    kind: Any = Document
    for part in path:
        kind = _plain(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        else:
            kind = get_args(kind)[-1] if get_args(kind) else None
    kind = _plain(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _plain(kind: Any) -> Any:
    """A type without Annotated and None."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, UnionType}:
            kind = next(each for each in get_args(kind) if each is not type(None))
        else:
            return kind


def _known_keys(path: Path) -> Sequence[str]:
    model = _model_at(path)
    return list(model.model_fields) if model else []


def _purpose(path: Path, key: str) -> str:
    model = _model_at(path)
    field = model.model_fields.get(key) if model else None
    described = field.description if field else None
    return f"add {key}: {described[:1].lower()}{described[1:].rstrip('.')}" if described else f"add {key}"
