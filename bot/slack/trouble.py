"""What went wrong: honest words for the person, a reference, and the details for the operators, redacted."""

import re
import traceback

import structlog
from slack_bolt.error import BoltUnhandledRequestError

from bot.core.text import TextTooLong
from bot.service.logs import reference_id
from bot.service.people import Refused
from bot.service.records import OutcomeUnknown, StoreUnavailable

log = structlog.get_logger(__name__)

DATABASE_AWAY = "prodaccess can't reach its database right now. Nothing was changed; try again in a minute."
OUTCOME_UNKNOWN = (
    "prodaccess lost its database in the middle of this. It may have been done or not: look, then try again."
)
SLOW = "This is taking longer than Slack allows. Nothing may have come of it: look, then try again."

UNREADABLE = "Slack sent something that prodaccess does not know or cannot read. Nothing was changed."

_SECRET = re.compile(
    r"\b[0-9]{6}\b"
    r"|otpauth://\S+"
    r"|xox[a-z]-[\w-]+|xapp-[\w-]+"
    r"|\b[A-Z2-7]{4}(?: ?[A-Z2-7]{4}){3,}\b"
    r"|https://hooks\.slack\.com/\S+"
)


def explain(error: Exception, doing: str) -> str:
    """A sentence for the person who was ``doing`` it, safe in mrkdwn and in plain text.

    What nobody expected is logged with a reference that the sentence names.
    """
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, TextTooLong):
        return f"What you typed {error}."
    if isinstance(error, StoreUnavailable):
        log.warning("slack.database-away", doing=doing, why=redact(str(error)))
        return OUTCOME_UNKNOWN if isinstance(error, OutcomeUnknown) else DATABASE_AWAY
    if place := _where_bolt_gave_up(error):
        log.warning("slack.unreadable", doing=doing, why=type(error).__name__, at=place)
        return UNREADABLE
    if isinstance(error, TimeoutError):
        log.warning("slack.slow", doing=doing)
        return SLOW
    reference = reference_id()
    trace = "".join(traceback.format_exception(error))
    log.error("slack.failed", doing=doing, reference=reference, error=type(error).__name__, trace=redact(trace))
    return (
        f"Something went wrong on our side. Reference: {reference}. Nothing was changed that you cannot see; try again."
    )


def _where_bolt_gave_up(error: Exception) -> str:
    """The function of Bolt's that took a payload for none of ours, or stumbled over it; empty where it was not Bolt."""
    if isinstance(error, BoltUnhandledRequestError):
        return "no listener"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    rooms = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames]
    # The first frame is of whoever called Bolt; one of ours further in had been called by it.
    bolts_own = bool(rooms) and rooms[-1] == "slack_bolt" and "bot" not in rooms[1:]
    return frames[-1].f_code.co_name if bolts_own else ""


def redact(text: str) -> str:
    """Without codes, seeds, tokens and addresses that are secrets."""
    return _SECRET.sub("[redacted]", text)
