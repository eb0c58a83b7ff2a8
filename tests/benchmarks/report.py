"""Tables for people, JSON for programs."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WIDTH = 118

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for, and whether this machine did it. It fails nothing."""

    what: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'NOT MET'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    cells: Mapping[str, Cell]
    bound: str
    """What keeps it from being faster, and how much of that was used."""
    targets: Sequence[Target] = ()


@dataclass(slots=True)
class Table:
    """A section's table. ``note`` says exactly what is measured."""

    section: str
    title: str
    note: str
    rows: list[Row] = field(default_factory=list)

    def text(self) -> str:
        """Aligned, at most ``WIDTH`` wide; what bounds a row, and its targets, stand below it."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row.cells))
        shown = [[_shown(row.cells.get(name)) for name in columns] for row in self.rows]
        widths = [max(len(name), *(len(line[place]) for line in shown)) for place, name in enumerate(columns)]
        lines = [f"{self.section}. {self.title}", *textwrap.wrap(self.note, WIDTH), "", _line(columns, widths)]
        for row, line in zip(self.rows, shown, strict=True):
            lines.append(_line(line, widths))
            for below in (f"bound by {row.bound}", *map(str, row.targets)):
                lines += textwrap.wrap(below, WIDTH, initial_indent="    ", subsequent_indent="      ")
        return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def _shown(value: Cell) -> str:
    match value:
        case None:
            return "-"
        case float() if abs(value) >= 100:
            return f"{value:,.0f}"
        case float() if abs(value) >= 10:
            return f"{value:.1f}"
        case float():
            return f"{value:.2f}"
        case int():
            return f"{value:,}"
    return str(value)


def write_json(path: Path, about: Mapping[str, Any], tables: Iterable[Table]) -> None:
    """Everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**about, "tables": [asdict(table) for table in tables]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]
