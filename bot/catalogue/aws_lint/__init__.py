"""``prodaccess check --aws-lint``: roles against what AWS really has. See ``database`` for where that comes from."""

from collections.abc import Iterator

from bot.catalogue.aws_lint.actions import check_names, check_permissions, check_wildcards
from bot.catalogue.aws_lint.conditions import check_conditions
from bot.catalogue.aws_lint.database import Database, DatabaseMissing, load
from bot.catalogue.aws_lint.escalation import check_escalation
from bot.catalogue.aws_lint.given import given_by
from bot.catalogue.aws_lint.resources import check_matches, check_open
from bot.catalogue.aws_lint.sizes import check_sizes
from bot.catalogue.problems import Finding, Path, Problem, Severity
from bot.catalogue.schema import Role
from bot.catalogue.shape import Shaped
from bot.catalogue.source import Source
from bot.core.model import Catalogue

__all__ = ["Database", "DatabaseMissing", "lint", "lint_role", "load"]

PROVIDER = "aws_iam"


def lint(source: Source, shaped: Shaped, catalogue: Catalogue | None, database: Database) -> list[Problem]:
    """What is wrong with the AWS side of a file's roles, in the order of the file.

    ``catalogue`` is what was built from it. Without one, because the file is refused, neither sizes nor roles of the
    wrong shape are looked at.
    """
    findings: list[Finding] = list(check_sizes(catalogue)) if catalogue else []
    for key, role in shaped.document.roles.items():
        parts: list[Path] = [("roles", key, part) for part in ("statements", "parameters", "broad", "provider")]
        if role.provider == PROVIDER and shaped.is_sound(*parts):
            findings += lint_role(key, role, database)
    return sorted({source.problem(each) for each in findings})


def lint_role(role_id: str, role: Role, database: Database) -> Iterator[Finding]:
    """Findings of one role; what is only broad is a warning where the role says why, with ``broad:``."""
    givens = given_by(role_id, role, database)
    for given in givens:
        yield from check_names(given)
        yield from check_matches(given)
        yield from check_conditions(given)
    broad = [
        each for given in givens for check in (check_wildcards, check_permissions, check_open) for each in check(given)
    ]
    for each in (*broad, *check_escalation(givens)):
        if role.broad is None or each.severity is not Severity.ERROR:
            yield each
        else:
            yield Finding(each.path, f"{each.message}; accepted: {role.broad}", each.hint, Severity.WARNING)
