"""What a mutant is: one protection taken out of the code, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Rotten(Exception):
    """A mutant does not fit today's code. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``before`` stands exactly once in ``file`` (relative to the repository) and is replaced by ``after``."""

    name: str
    """Which protection is gone, in words."""
    file: str
    before: str
    after: str
    killed_by: tuple[str, ...]
    """pytest node ids, as narrow as will do: one of these tests must fail."""
    may_hang: bool = False
    """Whether tests that come to no end count as noticing it too."""

    @property
    def test_files(self) -> tuple[str, ...]:
        """The files of ``killed_by``."""
        return tuple(dict.fromkeys(test.partition("::")[0] for test in self.killed_by))

    def mutated(self, text: str) -> str:
        """``text``, which is the file's, without the protection. Raises Rotten."""
        found = text.count(self.before)
        if found != 1:
            raise Rotten(f"{self.name}: its text is found {found} times in {self.file}, not once")
        changed = text.replace(self.before, self.after)
        if changed == text:
            raise Rotten(f"{self.name}: it changes nothing")
        return changed


def tests(file: str, *names: str) -> tuple[str, ...]:
    """Node ids of a file's tests."""
    return tuple(f"{file}::{name}" for name in names)
