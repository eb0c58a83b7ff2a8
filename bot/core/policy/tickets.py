"""Rules about the ticket."""

from collections.abc import Iterable

from bot.core.policy.case import Asking
from bot.core.policy.verdict import Reason

TICKET_MAX = 100
"""Longest ticket in characters."""


def ticket_fits(a: Asking) -> Iterable[Reason]:
    """The ticket is written as the role wants it."""
    rule = a.role.ticket
    if rule is not None:
        ok = rule.fits(a.ask.ticket)
        text = f"Ticket {a.ask.ticket}." if ok else f"{a.item.role} wants a ticket such as {rule.hint or rule.pattern}."
    else:
        ok = len(a.ask.ticket) <= TICKET_MAX
        text = "No ticket is wanted." if ok else f"A ticket has {TICKET_MAX} characters at most."
    yield Reason("ticket", ok, text, "ticket")


def ticket_is_there(a: Asking) -> Iterable[Reason]:
    """The tracker knows the ticket, and has it open where the role wants that."""
    rule = a.role.ticket
    # What is not even written like one is refused above, and nobody is asked about it.
    if rule is None or not rule.tracker or not rule.fits(a.ask.ticket):
        return
    fact = a.known.ticket
    if fact is None or fact.key != a.ask.ticket:
        text = f"{rule.tracker} could not say whether this ticket is there. Try again in a minute."
        yield Reason("tracker", False, text, "ticket")
    elif not fact.found:
        yield Reason("tracker", False, f"{rule.tracker} has no ticket {fact.key}.", "ticket")
    else:
        ok = fact.open or not rule.must_be_open
        text = f"{fact.key} is there." if ok else f"{fact.key} is closed; name one that is open, or open it again."
        yield Reason("tracker", ok, text, "ticket")
