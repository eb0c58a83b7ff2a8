"""``prodaccess grants`` and ``prodaccess reconcile``: access seen and stopped from the shell, with Slack down too."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot import app
from bot.core.model import Grant
from bot.service import surveying
from bot.service.operations import operator, remove_from_cloud, revoke_now
from bot.service.records import StoreUnavailable
from bot.shell import Commands, add_command, parts_for_shell, settings_for_shell


def describe_grants(grants: Commands) -> None:
    """The two commands of ``grants``."""
    add_command(grants, "list", _grants_list, "everything that has not ended")
    one = add_command(grants, "revoke", _grants_revoke, "take access away and wait until it is observed absent")
    one.add_argument("grant", nargs="?", help="the grant's id")
    one.add_argument("--all", action="store_true", help="every grant that has not ended")
    one.add_argument("--reason", default="Revoked by an operator.", help="told to the holder and the log")
    one.add_argument("--wait", type=int, default=60, metavar="SECONDS", help="how long to wait (default: 60)")


def describe_reconcile(commands: Commands) -> None:
    """The command ``reconcile``."""
    one = add_command(
        commands, "reconcile", _reconcile, "compare every account with the ledger; status 1 when they differ"
    )
    one.add_argument("--dry-run", action="store_true", help="print the difference and change nothing")
    one.add_argument("--wait", type=int, default=60, metavar="SECONDS", help="how long to see it through (default: 60)")


def _grants_list(_: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        rows = [_row(grant) for grant in parts.desk.queries.unfinished()]
    _print_table(("GRANT", "PERSON", "ROLE", "ACCOUNT", "STATUS", "ENDS (UTC)"), rows)
    return 0


def _grants_revoke(arguments: argparse.Namespace) -> int:
    if bool(arguments.grant) == arguments.all:
        print("prodaccess: name one grant id, or --all", file=sys.stderr)
        return 2
    try:
        with parts_for_shell() as parts:
            wanted = [grant.id for grant in parts.desk.queries.unfinished()] if arguments.all else [arguments.grant]
            access, wait = parts.desk.access, timedelta(seconds=arguments.wait)
            for grant_id, outcome in revoke_now(
                access, parts.runner, wanted, operator(), arguments.reason, patience=wait
            ):
                print(f"{grant_id}: {outcome}")
    except StoreUnavailable as error:
        if not arguments.all:
            raise
        print(f"prodaccess: {error}", file=sys.stderr)
        return _revoke_without_the_ledger()
    return 0


def _revoke_without_the_ledger() -> int:
    print("The database cannot be asked: removing all that bears prodaccess's name from the cloud.", file=sys.stderr)
    with app.assemble(settings_for_shell(), ledger=False) as parts:
        providers = parts.desk.access.providers.values()
        for account, principal, grant_id, outcome in remove_from_cloud(parts.catalogue, providers):
            print(f"{account.id} {principal} {grant_id}: {outcome}" if grant_id else f"{account.id}: {outcome}")
    print("Nothing of this is recorded: the next reconcile finds and records what is missing.", file=sys.stderr)
    return 1


def _reconcile(arguments: argparse.Namespace) -> int:
    with parts_for_shell() as parts:
        found = surveying.survey(parts.reconciling.looking)
        _print_table(surveying.HEAD, found.rows)
        for account, why in found.unanswered:
            print(f"prodaccess: {account} could not be looked at: {why}", file=sys.stderr)
        if not arguments.dry_run:
            wait = timedelta(seconds=arguments.wait)
            done = surveying.act_on(found, parts.reconciling, parts.runner, patience=wait)
            print("Acted on." if done else "Still being acted on; every worker goes on with it.")
    return 1 if found.rows or found.unanswered else 0


def _row(grant: Grant) -> tuple[str, ...]:
    return (
        grant.id,
        grant.person,
        grant.role,
        grant.account,
        str(grant.status),
        f"{grant.expires_at:%Y-%m-%d %H:%M:%S}",
    )


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
