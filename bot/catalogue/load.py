"""Read, check and build: access.yaml → Catalogue."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from bot.catalogue.build import build
from bot.catalogue.lint import check_breadth
from bot.catalogue.parameters import check_parameters
from bot.catalogue.problems import CatalogueError, Finding, Problem, Severity
from bot.catalogue.reach import check_reach
from bot.catalogue.references import check_references
from bot.catalogue.schema import Document
from bot.catalogue.shape import read_document
from bot.catalogue.size import check_size
from bot.catalogue.source import Source, read_source
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
    source = read_source(Path(path))
    shaped = read_document(source)
    findings = list(shaped.findings)
    if shaped.document:
        made_up = shaped.stand_ins
        findings += [each for each in _check(shaped.document, source, providers) if each.path[0] not in made_up]
    if any(each.severity is Severity.ERROR for each in findings) or not shaped.document:
        raise CatalogueError(_in_order(source, findings))
    catalogue = build(shaped.document, digest_of(source.data))
    findings += [*check_reach(catalogue), *check_size(catalogue)]
    if any(each.severity is Severity.ERROR for each in findings):
        raise CatalogueError(_in_order(source, findings))
    return Loaded(catalogue, tuple(_in_order(source, findings)))


def _check(document: Document, source: Source, providers: Collection[str]) -> Iterable[Finding]:
    yield from check_references(document, source.names, providers)
    for key, role in document.roles.items():
        yield from check_parameters(key, role)
    yield from check_breadth(document)


def _in_order(source: Source, findings: Iterable[Finding]) -> list[Problem]:
    return sorted({source.problem(each) for each in findings})
