"""The benchmark itself still runs: every section on one of the databases, at a size that measures nothing."""

from collections.abc import Sequence

import pytest

from tests.benchmarks.__main__ import SECTIONS, run
from tests.benchmarks.bench import TINY

IN_PROCESSES = ("clicks", "local", "memory", "start", "modal")


@pytest.mark.parametrize(
    ("database", "sections"),
    [("sqlite", IN_PROCESSES), ("postgresql", [name for name in SECTIONS if name not in IN_PROCESSES])],
)
def test_every_section_measures_something(
    database: str, sections: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    about, tables = run(sections, TINY, (database,))
    assert about["flushes_per_second"] > 0
    assert len(tables) == len(sections)
    for table in tables:
        assert table.rows, table.title
        assert all(row.bound for row in table.rows)
    assert all(len(line) <= 120 for line in capsys.readouterr().out.splitlines())
