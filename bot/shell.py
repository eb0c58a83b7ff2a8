"""What the commands share: the settings, everything wired, and how a command is described."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from bot import app
from bot.app import Parts
from bot.service.logs import configure
from bot.settings import Settings
from bot.store import schema_is_current

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class CannotRun(Exception):
    """What a command was to run does not start, or had to stop; says why."""


class NotMigratedError(Exception):
    """The database is of another version; says what to do."""


def settings_for_shell() -> Settings:
    """The environment's, without Slack's. Raises SettingsError."""
    settings = Settings.from_env(os.environ, slack=False)
    configure("text", "warning")
    return settings


def catalogue_for_shell() -> str:
    """The catalogue's path for commands that need no other setting."""
    return os.environ.get("PRODACCESS_CATALOGUE", "access.yaml")


@contextmanager
def parts_for_shell() -> Iterator[Parts]:
    """Everything wired, on a database of this version. Raises NotMigratedError, SettingsError, CatalogueError."""
    settings = settings_for_shell()
    if not schema_is_current(settings.database_url.reveal()):
        raise NotMigratedError("the database's schema is not this version's; run: prodaccess migrate")
    with app.assemble(settings) as parts:
        yield parts


def add_command(commands: Commands, name: str, run: Command, text: str) -> argparse.ArgumentParser:
    """A command; ``run`` gives its exit status."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def add_group(commands: Commands, name: str, text: str) -> Commands:
    """Commands of two words."""
    return commands.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="ACTION")
