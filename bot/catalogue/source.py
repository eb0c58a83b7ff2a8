"""access.yaml as plain data that remembers its lines.

The YAML is read as YAML 1.2 would: ``09:00`` and ``yes`` are text and ``012345678901`` keeps its zero, where PyYAML's
own rules (YAML 1.1) would make a number, a truth value and an octal of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import yaml

from bot.catalogue.problems import CatalogueError, Finding, Path, Problem, show_path

MAX_BYTES = 10_000_000
MAX_VALUES = 1_000_000
"""Aliases can make a short file huge."""
MAX_DEPTH = 30

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "value")
}
_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 (5.1) leaves out, and the byte order mark."""
_CONSTANTS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says, and on which lines."""

    file: str
    data: Mapping[str, object]
    lines: Mapping[Path, int]

    def problem(self, finding: Finding) -> Problem:
        """``finding`` with the line of the nearest thing on its path that is there."""
        path: Path = ()
        for part in finding.path:
            if not isinstance(part, int) or (*path, part) in self.lines:  # one value stands where a list may
                path = (*path, part)
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return Problem(self.file, line, show_path(path), finding.message, finding.hint, finding.severity)

    def names(self, section: str) -> frozenset[str]:
        """The ids in a section of the file, those of entries that are wrong too."""
        entries = self.data.get(section)
        return frozenset(entries) if isinstance(entries, dict) else frozenset()


@dataclass(slots=True)
class _Reader:
    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0

    def refuse(self, node: yaml.Node, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, show_path(path), message, hint))

    def read(self, node: yaml.Node, path: Path) -> object:
        self.values += 1
        if self.values > MAX_VALUES or len(path) > MAX_DEPTH:
            raise CatalogueError([_whole(self.file, node, "is nested or repeated without end", "write aliases out")])
        if node.tag not in _TAGS and node.tag != "tag:yaml.org,2002:merge":
            self.refuse(node, path, f"has the tag {node.tag}", "remove the tag: only plain values are read")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[*path, index] = item.start_mark.line + 1
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(key_node, path, "has a key that is not plain text")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                first = self.lines[here]
                self.refuse(key_node, here, f"is there twice; the first is on line {first}", "remove one of them")
                continue
            if key == "<<":
                self.refuse(key_node, here, "is a merge key, which is not read", "write the keys out")
                continue
            self.lines[here] = key_node.start_mark.line + 1
            result[key] = self.read(value_node, here)
        return result


def read_source(path: FilePath) -> Source:
    """Read a file. Raises CatalogueError when it is no mapping in plain YAML."""
    return read_text_source(str(path), read_text(path))


def read_text_source(file: str, text: str) -> Source:
    """As ``read_source``, for what a file says; ``file`` is its name in what is told of it."""
    root = _compose(file, text)
    if not isinstance(root, yaml.MappingNode):
        message, hint = "is empty or not a mapping", "start with `version: 1`; docs/access.schema.json has the rest"
        raise CatalogueError([_whole(file, root, message, hint)])
    reader = _Reader(file)
    data = reader.read_mapping(root, ())
    if reader.problems:
        raise CatalogueError(reader.problems)
    return Source(file, data, reader.lines)


def read_text(path: FilePath) -> str:
    """What a file says. Raises CatalogueError when it cannot be read, is not UTF-8 or too large."""
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "set PRODACCESS_CATALOGUE to the catalogue's path"
        raise CatalogueError([_whole(str(path), None, f"cannot be read: {error.strerror}", hint)]) from None
    if len(content) > MAX_BYTES:
        raise CatalogueError([_whole(str(path), None, f"is larger than {MAX_BYTES:,} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CatalogueError([Problem(str(path), line, "", "is not UTF-8", "save the file as UTF-8")]) from None


def _compose(file: str, text: str) -> yaml.Node | None:
    if unread := [
        Problem(
            file, text.count("\n", 0, found.start()) + 1, "", f"has the character U+{ord(found[0]):04X}", "remove it"
        )
        for found in _NOT_YAML.finditer(text)
    ]:
        raise CatalogueError(unread)
    try:
        _check_depth(file, text)
        node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        hint = "look at the indentation, the colons and the quotes on this line and the one above"
        line = mark.line + 1 if mark else 1
        raise CatalogueError([Problem(file, line, "", f"is not YAML: {said}", hint)]) from None
    return node


def _check_depth(file: str, text: str) -> None:
    """Composing recurses, in C without a guard; parsing to events does not."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise CatalogueError([Problem(file, line, "", "is nested too deeply")])


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return int(text) if _INT.fullmatch(text) else text


def _whole(file: str, node: yaml.Node | None, message: str, hint: str = "") -> Problem:
    return Problem(file, node.start_mark.line + 1 if node else 1, "", message, hint)
