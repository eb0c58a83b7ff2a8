"""What people of the office do again and again."""

from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.visitor import Submission, Visitor
from bot.slack import ids
from tests.patience import in_time
from tests.slack.office import MAYA, Office

LINE = "/prodaccess s3-read pay bucket=pay-logs 1h the nightly export is broken"


def ask(office: Office, line: str = LINE, user: str = MAYA, person: str = "maya") -> str:
    """Ask in one line and confirm it; returns the request's id."""
    before = {request.id for request in office.desk.queries.pending(person)}
    visitor = office.visitor(user)
    visitor.command(line)
    visitor.wait_for_modal("exactly this")

    def send() -> Submission:
        visitor.fill(code=office.code(person))
        return visitor.submit()

    assert in_time(send).action == "update"
    visitor.wait_for_modal("Sent.")
    visitor.close()
    (new,) = {request.id for request in office.desk.queries.pending(person)} - before
    return new


def approve(office: Office, user: str, person: str) -> Json:
    """Approve what waits in the approvers' channel, with a code; returns the card as it was then."""
    approver = office.visitor(user)
    card = approver.wait_for_message("Waiting for approval", "approvals")
    approver.click(card, ids.APPROVE)
    approver.wait_for_modal("You approve")
    approver.fill(code=office.code(person))
    assert approver.submit().action == "clear"
    return card


def again(visitor: Visitor, card: Json, channel: str | None = None) -> Json:
    """The same message as it is now."""
    return next(message for message in visitor.messages(channel) if message["ts"] == card["ts"])
