"""Read, check and build: access.yaml → Catalogue."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from os import PathLike
from pathlib import Path

from bot.catalogue.build import build
from bot.catalogue.lint import check_breadth
from bot.catalogue.parameters import check_parameters
from bot.catalogue.problems import CatalogueError, Finding, Problem, Severity
from bot.catalogue.problems import Path as PathOf
from bot.catalogue.reach import check_reach
from bot.catalogue.references import check_references
from bot.catalogue.shape import Shaped, read_document
from bot.catalogue.size import check_size
from bot.catalogue.source import Source, read_source, read_text, read_text_source
from bot.core.model import Catalogue, digest_of

PROVIDERS = frozenset({"aws_iam"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A catalogue and what is worth a second look in it."""

    catalogue: Catalogue
    warnings: tuple[Problem, ...]


def load(path: str | PathLike[str], *, providers: Collection[str] = PROVIDERS) -> Catalogue:
    """The catalogue in a file. ``providers`` are the known ways to grant. Raises CatalogueError with every problem."""
    return inspect(path, providers=providers).catalogue


def inspect(path: str | PathLike[str], *, providers: Collection[str] = PROVIDERS) -> Loaded:
    """As ``load``, with the warnings."""
    return _of_source(read_source(Path(path)), providers)


def load_text(text: str, file: str, *, providers: Collection[str] = PROVIDERS) -> Catalogue:
    """As ``load``, for what a file says; ``file`` is its name in what is told of it."""
    return _of_source(read_text_source(file, text), providers).catalogue


def _of_source(source: Source, providers: Collection[str]) -> Loaded:
    return judge(source, read_document(source), providers=providers)


def judge(source: Source, shaped: Shaped, *, providers: Collection[str] = PROVIDERS) -> Loaded:
    """As ``inspect``, of a file that was read already."""
    findings = [*shaped.findings, *_check(shaped, source, providers)]
    _refuse_errors(source, findings)
    catalogue = build(shaped.document, digest_of(source.data))
    findings += [*check_reach(catalogue), *check_size(catalogue)]
    _refuse_errors(source, findings)
    return Loaded(catalogue, tuple(_in_order(source, findings)))


def _refuse_errors(source: Source, findings: Iterable[Finding]) -> None:
    errors = [each for each in findings if each.severity is Severity.ERROR]
    if errors:
        raise CatalogueError(_in_order(source, errors))


def _check(shaped: Shaped, source: Source, providers: Collection[str]) -> Iterator[Finding]:
    """What is wrong between the parts that have the right shape."""

    @cache
    def names(section: str) -> frozenset[str] | None:
        return source.names(section) if shaped.is_sound((section,)) else None

    for each in (*check_references(shaped.document, names, providers), *check_breadth(shaped.document)):
        if shaped.is_sound(each.path, *_leans_on(each.path)) and not _is_of_a_broken_role(each.path, shaped):
            yield each
    for key, role in shaped.document.roles.items():
        misspelt = not role.parameters and any(each[:2] == ("roles", key) for each in shaped.wrong)
        if not misspelt and shaped.is_sound(("roles", key, "parameters"), ("roles", key, "statements")):
            yield from check_parameters(key, role)


def _is_of_a_broken_role(path: PathOf, shaped: Shaped) -> bool:
    """Whether a finding is about a bundle's parameters of a role in which something is wrong, perhaps those."""
    match path:
        case ("bundles", key, "roles", int(at), "params", *_):
            role = shaped.document.bundles[str(key)].roles[at].role
            return any(each[:2] in {("roles",), ("roles", role)} for each in shaped.wrong)
    return False


def _leans_on(path: PathOf) -> tuple[PathOf, ...]:
    """Other parts of the file that a finding at ``path`` was made from."""
    match path:
        case ("accounts", key, _):
            return (("accounts", key, "number"), ("accounts", key, "broker_role"))
        case ("roles", key, "statements", _, "resources", *_):
            return (("roles", key, "broad"), ("roles", key, "parameters"))
        case ("roles", key, "statements", *_):
            return (("roles", key, "broad"),)
        case ("roles", key, "broad"):
            return (("roles", key, "statements"),)
        case ("roles", _, "accounts", "tags", *_) | ("roles", _, "only", *_):
            return (("accounts",), (*path[:2], "accounts"))
        case ("roles", key, "approve" | "step_up" | "automatic" | "break_glass" | "extend" | "hours", *_):
            leans = ("critical", "sensitive", "approve", "ticket", "parameters", "lapses_after", "max_duration")
            return tuple(("roles", key, each) for each in (*leans, "min_duration"))
        case ("roles", key, "max_by_work", *_):
            return tuple(("roles", key, each) for each in ("work", "max_duration", "min_duration"))
    return ()


def _in_order(source: Source, findings: Iterable[Finding]) -> list[Problem]:
    return sorted({source.problem(each) for each in findings})


@dataclass(frozen=True, slots=True)
class File:
    """The catalogue's file as the service keeps to it. See service.reloading.Source."""

    path: Path

    def read(self) -> str:
        """What it says now. Raises CatalogueError."""
        return read_text(self.path)

    def parse(self, text: str) -> Catalogue:
        """What such a file means. Raises CatalogueError."""
        return _parsed(text, str(self.path))


@lru_cache(maxsize=2)
def _parsed(text: str, file: str) -> Catalogue:
    """A start asks for the same text twice, as what is live and as what the file says. Nobody changes a catalogue."""
    return load_text(text, file)
