"""Where problems are collected, and the small checks that every Block Kit object is described with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """The problems found in one payload, each with the JSON pointer of its place, in Slack's wording."""

    problems: list[str] = field(default_factory=list)

    def add(self, problem: str, pointer: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{pointer}]")


Check = Callable[[Report, str, Any], None]
Rule = Callable[[Report, str, Mapping[str, Any]], None]


def string(longest: int, shortest: int = 1) -> Check:
    def check(report: Report, at: str, value: Any) -> None:
        if not isinstance(value, str):
            report.add("must provide a string", at)
        elif len(value) < shortest:
            report.add(f"must be more than {shortest - 1} characters", at)
        elif len(value) > longest:
            report.add(f"must be less than {longest + 1} characters", at)

    return check


def one_of(*allowed: str) -> Check:
    def check(report: Report, at: str, value: Any) -> None:
        if value not in allowed:
            report.add(f"must be a valid enum value: {', '.join(allowed)}", at)

    return check


def boolean(report: Report, at: str, value: Any) -> None:
    if not isinstance(value, bool):
        report.add("must provide a boolean", at)


def integer(least: int, most: int) -> Check:
    def check(report: Report, at: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add("must provide an integer", at)
        elif not least <= value <= most:
            report.add(f"must be between {least} and {most}", at)

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    def check(report: Report, at: str, value: Any) -> None:
        if not isinstance(value, list):
            report.add("must provide an array", at)
            return
        if len(value) > most:
            report.add(f"no more than {most} items allowed", at)
        if len(value) < least:
            report.add(f"no fewer than {least} items allowed", at)
        for index, entry in enumerate(value):
            item(report, f"{at}/{index}", entry)

    return check


def anything(_report: Report, _at: str, _value: Any) -> None:
    """Accept a part whose insides this workspace neither reads nor shows."""


def shape(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Rule) -> Check:
    """Describe an object: its fields, and the rules that tie fields together; nothing else may be in it."""

    def check(report: Report, at: str, value: Any) -> None:
        if not isinstance(value, dict):
            report.add("must provide an object", at)
            return
        for name in required:
            if value.get(name) is None:
                report.add(f"missing required field: {name}", at)
        for name, part in value.items():
            field_check = required.get(name) or optional.get(name)
            if field_check is None:
                report.add(f"invalid additional property: {name}", at)
            elif part is not None:
                field_check(report, f"{at}/{name}", part)
        for rule in rules:
            rule(report, at, value)

    return check


def by_type(shapes: Mapping[str, Check], allowed: frozenset[str], what: str) -> Check:
    """Choose the shape by the object's `type`; only the allowed types may stand in this place."""

    def check(report: Report, at: str, value: Any) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in shapes:
            report.add(f"unsupported {what} type: {kind}", f"{at}/type")
        elif kind not in allowed:
            report.add(f"{what} type not allowed here: {kind}", f"{at}/type")
        else:
            shapes[kind](report, at, value)

    return check
