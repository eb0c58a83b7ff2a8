"""``prodaccess catalogue``: what a change of access.yaml means for people, and which one is in use."""

import argparse
from pathlib import Path

from bot import catalogue as catalogue_files
from bot.core.difference import describe, difference
from bot.core.model import Catalogue
from bot.service.operations import operator
from bot.service.records import BadCatalogue
from bot.shell import Commands, add_command, parts_for_shell


def describe_catalogue(catalogue: Commands) -> None:
    """Add the commands."""
    one = add_command(
        catalogue, "diff", _diff, "who gains and who loses what from OLD to NEW; status 1 when anything is different"
    )
    one.add_argument("old", metavar="OLD", help="a file, or how the digest of a version that was in use begins")
    one.add_argument("new", metavar="NEW", help="as OLD; or of one that waits for approval")
    one = add_command(
        catalogue, "use", _use, "let FILE be in use from now on, on an operator's word alone; it is logged"
    )
    one.add_argument("file", metavar="FILE")
    one.add_argument("--reason", required=True, help="for the log")


def _diff(arguments: argparse.Namespace) -> int:
    before, after = _catalogue(arguments.old), _catalogue(arguments.new)
    found = difference(before, after)
    for line in describe(found, before, after):
        print(line)
    if not found:
        print("Nobody gains or loses anything, and nothing else is different.")
    return 1 if found else 0


def _catalogue(name: str) -> Catalogue:
    """A file's, else a version's. Raises BadCatalogue."""
    if Path(name).exists() or not name.isalnum():
        return catalogue_files.load(name)
    with parts_for_shell() as parts:
        with parts.store.transaction() as tx:
            version = tx.version_of(name)
        if version is None:
            raise BadCatalogue(f"there is neither a file nor a version {name!r}")
        return parts.reloading.catalogues.catalogue_of(version)


def _use(arguments: argparse.Namespace) -> int:
    text = catalogue_files.File(Path(arguments.file)).read()
    with parts_for_shell() as parts:
        version = parts.desk.changes.use(text, operator(), arguments.reason)
    print(f"In use from now on: {version.digest[:12]}. Running bots go by it within seconds.")
    return 0
