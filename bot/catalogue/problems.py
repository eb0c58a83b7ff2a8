"""What is wrong with a catalogue, where, and what to write instead."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from bot.service.records import BadCatalogue

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the file."""


class Severity(StrEnum):
    """An ``error`` keeps the catalogue from being loaded."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell about what stands at ``path``."""

    path: Path
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A finding in its file; ``line`` counts from 1."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mark = "" if self.severity is Severity.ERROR else f"{self.severity}: "
        subject = f"{self.path}: " if self.path else ""
        hint = f"\n    → {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}: {mark}{subject}{self.message}{hint}"


class CatalogueError(BadCatalogue):
    """The catalogue cannot be used; ``problems`` are all that was found, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the catalogue; it is not used."
        return "\n".join([head, *map(str, self.problems)])


def show_path(path: Path) -> str:
    """``("roles", "s3-read", "statements", 0)`` as ``roles.s3-read.statements[0]``."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def suggest(word: str, known: Collection[str]) -> str:
    """A hint towards the name that was probably meant, or the names that there are."""
    if close := get_close_matches(word, known, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    if not known:
        return ""
    shown = sorted(known)[:12]
    return f"there {'is' if len(known) == 1 else 'are'}: {', '.join(shown)}{' …' if len(known) > 12 else ''}"
