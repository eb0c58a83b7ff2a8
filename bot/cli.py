"""``prodaccess``: the command line."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from bot import __version__, checking, cli_policy
from bot.cli_catalogue import describe_catalogue
from bot.cli_doctor import doctor
from bot.cli_grants import describe_grants, describe_reconcile
from bot.core.decisions import Refusal
from bot.core.duration import format_duration
from bot.service import ledger
from bot.service.logs import configure
from bot.service.operations import NotRevoked, operator
from bot.service.records import BadCatalogue, StoreUnavailable
from bot.settings import Settings, SettingsError
from bot.shell import (
    CannotRun,
    Command,
    Commands,
    NotMigratedError,
    add_command,
    add_group,
    parts_for_shell,
    settings_for_shell,
)
from bot.store import StoreInUse, migrate

OUR_ERRORS = (
    BadCatalogue,
    SettingsError,
    NotRevoked,
    NotMigratedError,
    CannotRun,
    cli_policy.NotUnderstood,
)
EXPECTED = (*OUR_ERRORS, StoreUnavailable, StoreInUse, OSError)
"""What is told in plain words, without a traceback."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a problem, 2 for a wrong call."""
    arguments = _parser().parse_args(argv)
    run: Command = arguments.run
    try:
        return run(arguments)
    except EXPECTED as error:
        print(f"prodaccess: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# --- running ---------------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> int:
    from bot import demo  # noqa: PLC0415 - the other commands start sooner without it

    folder = Path(arguments.data)
    with (
        _in_plain_words(demo.DemoError),
        _until_stopped() as stopped,
        demo.Demo(folder, port=arguments.port, fresh=arguments.fresh) as running,
    ):
        print(demo.welcome(running.url, folder), flush=True)
        stopped.wait()
        print("\nStopping …", flush=True)
    return 0


def _serve(_: argparse.Namespace) -> int:
    from bot import serving  # noqa: PLC0415 - the other commands start sooner without it

    settings = Settings.from_env(os.environ)
    configure(settings.log_format, settings.log_level)
    with (
        _in_plain_words(serving.ServiceError),
        _until_stopped() as stopped,
        _reload_wanted() as reload,
        serving.Service(settings) as service,
    ):
        serving.keep_what_is_there()
        service.wait(stopped, reload)
    serving.leave_behind_what_hangs()
    return 0


def _migrate(_: argparse.Namespace) -> int:
    migrate(settings_for_shell().database_url.reveal())
    print("The database is up to date.")
    return 0


# --- people ----------------------------------------------------------------------------------------------


def _mfa_invite(arguments: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        if arguments.person not in parts.catalogue.admins:
            admins = ", ".join(sorted(parts.catalogue.admins))
            print(f"prodaccess: only an admin of access.yaml can be invited; there are: {admins}", file=sys.stderr)
            return 2
        code = parts.desk.enrolments.invite(arguments.person, timedelta(minutes=arguments.minutes), operator())
    life = format_duration(timedelta(minutes=arguments.minutes))
    print(f"Give this to {arguments.person} in person; it works once, for {life}:\n\n    {code}\n")
    print("They type /prodaccess enrol in Slack and enter it there.")
    return 0


def _mfa_reset(arguments: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        refusal = parts.desk.enrolments.reset(arguments.person, None, "", arguments.reason, operator())
    if isinstance(refusal, Refusal):
        print(f"prodaccess: {refusal.text}", file=sys.stderr)
        return 1
    print(f"{arguments.person} has no authenticator any more; pending requests and live access end.")
    return 0


# --- audit -----------------------------------------------------------------------------------------------


def _audit_verify(_: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        result = ledger.verify(parts.store)
    print(result)
    return 0 if result.ok else 1


def _audit_export(arguments: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        if arguments.format == "csv":
            ledger.export_csv(parts.store, sys.stdout)
        else:
            ledger.export_jsonl(parts.store, sys.stdout.buffer)
    return 0


# --- pieces ----------------------------------------------------------------------------------------------


@contextmanager
def _in_plain_words(error: type[Exception]) -> Iterator[None]:
    try:
        yield
    except error as found:
        raise CannotRun(str(found)) from found


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Set by Ctrl-C and SIGTERM; a second one ends the process at once."""
    stopped = threading.Event()

    def stop(number: int, _: object) -> None:
        if stopped.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reload_wanted() -> Iterator[threading.Event]:
    """Set by SIGHUP."""
    wanted = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: wanted.set())
    try:
        yield wanted
    finally:
        signal.signal(signal.SIGHUP, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prodaccess", description="Temporary production access from Slack.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _describe_running(commands)
    describe_grants(add_group(commands, "grants", "look at access, or stop it, with Slack down too"))
    describe_catalogue(add_group(commands, "catalogue", "what a change of access.yaml means for people"))
    _describe_mfa(add_group(commands, "mfa", "authenticators"))
    _describe_audit(add_group(commands, "audit", "the audit log"))
    return parser


def _describe_running(commands: Commands) -> None:
    one = add_command(commands, "demo", _demo, "a local Slack and a local AWS in the browser, the bot between them")
    one.add_argument("--port", type=int, default=8321, help="where the browser finds it (default: 8321)")
    one.add_argument("--data", default=".demo", help="folder that survives a restart (default: .demo)")
    one.add_argument("--fresh", action="store_true", help="start over: empty the folder first")
    add_command(commands, "serve", _serve, "run the bot; its settings are in the environment (.env.example)")
    checking.describe_check(commands)
    add_command(
        commands,
        "doctor",
        doctor,
        "check database, catalogue, clouds and sources; status 1 when something is wrong or overdue",
    )
    describe_reconcile(commands)
    cli_policy.describe_policy(commands)
    add_command(commands, "migrate", _migrate, "bring the database's schema up to date")


def _describe_mfa(mfa: Commands) -> None:
    one = add_command(mfa, "invite", _mfa_invite, "a one-time code with which a first admin enrols")
    one.add_argument("person", help="the admin's id in access.yaml")
    one.add_argument("--minutes", type=int, default=30, help="how long it works (default: 30)")
    one = add_command(mfa, "reset", _mfa_reset, "take someone's authenticator away; ends their access")
    one.add_argument("person", help="the person's id in access.yaml")
    one.add_argument("--reason", default="Reset by an operator.", help="for the log")


def _describe_audit(audit: Commands) -> None:
    add_command(audit, "verify", _audit_verify, "recompute the chain; status 1 when a record was changed or is missing")
    one = add_command(audit, "export", _audit_export, "write the log to standard output")
    one.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")


if __name__ == "__main__":
    sys.exit(main())
