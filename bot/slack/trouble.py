"""What went wrong: honest words for the person, a reference, and the details for the operators, redacted."""

import re
import traceback

import structlog

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
    if isinstance(error, TimeoutError):
        log.warning("slack.slow", doing=doing)
        return SLOW
    reference = reference_id()
    trace = "".join(traceback.format_exception(error))
    log.error("slack.failed", doing=doing, reference=reference, error=type(error).__name__, trace=redact(trace))
    return (
        f"Something went wrong on our side. Reference: {reference}. Nothing was changed that you cannot see; try again."
    )


def redact(text: str) -> str:
    """Without codes, seeds, tokens and addresses that are secrets."""
    return _SECRET.sub("[redacted]", text)
