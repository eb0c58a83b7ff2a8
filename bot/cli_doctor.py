"""``prodaccess doctor``: what is wrong, and what to do about it."""

import argparse
from collections.abc import Iterator

from bot import app
from bot.app import Parts
from bot.catalogue import CatalogueError
from bot.service import surveying
from bot.service.sources import SourceError
from bot.shell import settings_for_shell
from bot.store import schema_is_current


def doctor(_: argparse.Namespace) -> int:
    """Check everything; status 1 when something is wrong."""
    settings, bad = settings_for_shell(), 0
    current = schema_is_current(settings.database_url.reveal())
    checks = [("database schema is current", current, "run: prodaccess migrate")]
    with app.assemble(settings, ledger=current) as parts:
        overdue = parts.granting.overdue() if current else ()
        strays = parts.desk.strays.unsettled() if current else ()
        open_strays = "; ".join(f"{each.principal} in {each.account} ({surveying.standing(each)})" for each in strays)
        unreviewed = parts.desk.reviews.overdue() if current else ()
        broken = "; ".join(f"{each.id} ({each.ask.requester}, {each.ask.account})" for each in unreviewed)
        gone = "; ".join(f"{grant.id} ({grant.person}, {grant.account})" for grant in overdue)
        checks += [
            *_about_the_file(parts),
            ("nothing overdue", not overdue, f"should be gone and is not: {gone}"),
            ("no review is overdue", not unreviewed, f"an admin or approver has to say whether it was right: {broken}"),
            ("no access is there that nobody approved", not strays, f"decide in the security channel: {open_strays}"),
        ]
        checks += _about_sources(parts)
        for account, problem in app.reach_accounts(parts):
            checks.append((f"AWS account {account} answers", not problem, problem))
    for title, ok, fix in checks:
        bad += not ok
        print(f"{'ok ' if ok else 'BAD'}  {title}" + ("" if ok else f": {fix}"))
    return 1 if bad else 0


def _about_sources(parts: Parts) -> Iterator[tuple[str, bool, str]]:
    """Each schedule and tracker that access.yaml names and that is kept elsewhere, asked once."""
    sources, catalogue, now = parts.desk.access.sources, parts.catalogue, parts.clock.now()
    for schedule in catalogue.schedules.values():
        if schedule.kind != "static":
            title = f"schedule {schedule.id} ({schedule.kind}) answers"
            try:
                on_call = sources.on_call.on_call(schedule, now)
            except SourceError as error:
                yield title, False, str(error)
            else:
                yield f"{title}: {len(on_call)} on call now", True, ""
    for tracker in catalogue.trackers.values():
        title = f"tracker {tracker.id} ({tracker.kind}) answers"
        try:
            sources.tickets.check(tracker)
        except SourceError as error:
            yield title, False, str(error)
        else:
            yield title, True, ""


def _about_the_file(parts: Parts) -> Iterator[tuple[str, bool, str]]:
    try:
        said = parts.reloading.catalogues.source.parse(parts.reloading.catalogues.source.read()).digest
    except CatalogueError as error:
        yield "access.yaml is sound", False, f"what was there before stays in use; {error}"
        return
    yield "access.yaml is sound", True, ""
    in_use = parts.catalogue.digest
    fix = f"in use is {in_use[:12]}, the file says {said[:12]}: look in the security channel, or send the bot SIGHUP"
    yield "what access.yaml says is in use", said == in_use, fix
