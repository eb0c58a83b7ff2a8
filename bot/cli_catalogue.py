"""``prodaccess catalogue``: what a change of access.yaml means for people."""

import argparse

from bot import catalogue as catalogue_files
from bot.core.difference import describe, difference
from bot.shell import Commands, add_command


def describe_catalogue(catalogue: Commands) -> None:
    """Add the commands."""
    one = add_command(
        catalogue, "diff", _diff, "who gains and who loses what from OLD to NEW; status 1 when anything is different"
    )
    one.add_argument("old", metavar="OLD", help="a file")
    one.add_argument("new", metavar="NEW", help="a file")


def _diff(arguments: argparse.Namespace) -> int:
    before, after = catalogue_files.load(arguments.old), catalogue_files.load(arguments.new)
    found = difference(before, after)
    for line in describe(found, before, after):
        print(line)
    if not found:
        print("Nobody gains or loses anything, and nothing else is different.")
    return 1 if found else 0
