"""From plain data to a Document, with every deviation told in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.catalogue.problems import CatalogueError, Finding, Path, suggest
from bot.catalogue.schema import Document
from bot.catalogue.source import Source

_ENTRIES: Mapping[str, Mapping[str, object]] = {
    "work": {"title": "x", "max": "1m"},
    "accounts": {"title": "x", "number": "000000000000"},
    "people": {"name": "x"},
    "roles": {
        "title": "x",
        "accounts": ["x"],
        "ask": {},
        "approve": {"manager": True},
        "max_duration": "1m",
        "statements": [{"actions": ["s3:GetObject"], "resources": ["x"]}],
    },
    "hours": {"days": "mon-fri", "from": "09:00", "to": "17:00"},
    "schedules": {"kind": "pagerduty", "id": "x"},
    "trackers": {"kind": "linear"},
    "bundles": {"title": "x", "roles": [{"role": "x"}]},
}
_OPTIONAL = frozenset({"hours", "schedules", "trackers", "bundles"})
_TOP: Mapping[str, object] = {
    "version": 1,
    "channels": {"approvals": "C00", "security": "C00"},
    "admins": ["xx"],
    **{section: {"xx": entry} for section, entry in _ENTRIES.items() if section not in _OPTIONAL},
}
"""What takes the place of a part that is wrong, so that the rest can be looked at all the same."""
EXPLAINED_MOST = 500
"""Problems of shape that are put into words; a file with more of them is something else."""
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
    """``document`` is what could be read, with something made up in place of what is at the paths in ``wrong``."""

    document: Document
    findings: tuple[Finding, ...] = ()
    wrong: frozenset[Path] = frozenset()

    def is_sound(self, *paths: Path) -> bool:
        """Whether the file itself says what the document says at all of these paths and above them."""
        return not any(path[:length] in self.wrong for path in paths for length in range(1, len(path) + 1))


def read_document(source: Source) -> Shaped:
    """Everything of ``source`` that has the right shape, and a finding for everything that does not.

    Raises CatalogueError when too little is left to look at.
    """
    try:
        return Shaped(Document.model_validate(source.data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    findings = tuple(_explain(source, each) for each in errors[:EXPLAINED_MOST])
    if len(errors) > EXPLAINED_MOST:
        more = Finding((), f"has {len(errors) - EXPLAINED_MOST:,} more problems like these")
        raise CatalogueError(sorted(source.problem(each) for each in (*findings, more)))
    wrong = frozenset(_part(each.path) for each in findings)
    try:
        return Shaped(Document.model_validate(_repaired(source.data, wrong)), findings, wrong)
    except ValidationError:
        raise CatalogueError(sorted(source.problem(each) for each in findings)) from None


def _part(path: Path) -> Path:
    """The part of the file that is given up for what is wrong at ``path``: a key of an entry, an entry, a section."""
    if path[0] in _ENTRIES:
        return path[:3]
    return path[:2] if path[0] == "groups" else path[:1]


def _repaired(data: Mapping[str, object], wrong: frozenset[Path]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, value in data.items():
        if (key,) in wrong:
            continue
        if key in _ENTRIES and isinstance(value, dict):
            kept[key] = {
                name: _entry((key, name), entry, wrong) for name, entry in value.items() if (key, name) not in wrong
            }
        elif key == "groups" and isinstance(value, dict):
            kept[key] = {name: members for name, members in value.items() if (key, name) not in wrong}
        else:
            kept[key] = value
    return {**kept, **{key: made_up for key, made_up in _TOP.items() if not kept.get(key)}}


def _entry(path: Path, entry: object, wrong: frozenset[Path]) -> object:
    if not isinstance(entry, dict) or not any(each[:2] == path for each in wrong):
        return entry
    return {**_ENTRIES[str(path[0])], **{key: value for key, value in entry.items() if (*path, key) not in wrong}}


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
        if get_origin(kind) is list and not isinstance(part, int):
            kind = _plain(get_args(kind)[0])  # one mapping stands where a list may
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = _keys(kind).get(str(part))
            kind = field.annotation if field else None
        else:
            kind = get_args(kind)[-1] if get_args(kind) else None
    kind = _plain(kind)
    if get_origin(kind) is list:
        kind = _plain(get_args(kind)[0])
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


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by the keys that the file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _known_keys(path: Path) -> Sequence[str]:
    model = _model_at(path)
    return list(_keys(model)) if model else []


def _purpose(path: Path, key: str) -> str:
    model = _model_at(path)
    field = _keys(model).get(key) if model else None
    described = field.description if field else None
    return f"add {key}: {described[:1].lower()}{described[1:].rstrip('.')}" if described else f"add {key}"
