"""The names by which Slack tells us what was used: action ids, callback ids and block ids.

They are part of the wire: a card that was posted a year ago still sends them.
"""

COMMAND = "/prodaccess"

# --- buttons; their value is an id and nothing else ------------------------------------------------------

ASK = "request.ask"
ASK_AGAIN = "request.again"
"""Value: a request or draft id, whose form is opened filled in."""
APPROVE = "request.approve"
DENY = "request.deny"
CLAIM = "request.claim"
PERMISSIONS = "request.permissions"
REVIEW_RIGHT = "review.right"
REVIEW_OBJECT = "review.object"
CANCEL = "request.cancel"
RELEASE = "grant.release"
REVOKE = "grant.revoke"
EXTEND = "grant.extend"
KEEP = "favourite.keep"
"""Value: the id of a request that is kept at hand; of the other two: a favourite's."""
ASK_FAVOURITE = "favourite.ask"
FORGET = "favourite.forget"
ENROL = "enrolment.begin"
VOUCH = "enrolment.vouch"
REFUSE = "enrolment.refuse"
SET_UP = "enrolment.set-up"
REMOVE_STRAY = "stray.remove"
ADOPT_STRAY = "stray.adopt"
RESTORE_STRAY = "stray.restore"
STRAY_POLICY = "stray.policy"
APPROVE_CHANGE = "catalogue.approve"
DENY_CHANGE = "catalogue.deny"
BACK = "absence.end"
"""Value: whose absence it is."""
AWAY = "absence.form"
LINK = "link"
"""A button that only leads to a web page; Slack sends its click all the same."""

# --- modals ----------------------------------------------------------------------------------------------

FORM = "ask.form"
CONFIRM = "ask.confirm"
APPROVE_CODE = "approve.code"
DENY_NOTE = "deny.note"
REVOKE_NOTE = "revoke.note"
EXTEND_FORM = "extend.form"
OBJECTION_NOTE = "review.note"
ENROL_FORM = "enrolment.form"
VOUCH_CODE = "enrolment.vouch-code"
TWO_CODES = "enrolment.two-codes"
ADOPT_CODE = "stray.adopt-code"
RESTORE_CODE = "stray.restore-code"
APPROVE_CHANGE_CODE = "catalogue.approve-code"
DENY_CHANGE_CODE = "catalogue.deny-code"
RESET_FORM = "mfa.reset"
AWAY_FORM = "absence.set"

# --- fields ----------------------------------------------------------------------------------------------

ROLE = "role"
ACCOUNT = "account"
WORK = "work"
PARAMETER = "param"
DURATION = "duration"
START = "start"
BREAK_GLASS = "break-glass"
REASON = "reason"
TICKET = "ticket"
CODE = "code"
SECOND_CODE = "second-code"
NOTE = "note"
INVITE = "invite"
PERSON = "person"
UNTIL = "until"
DELEGATE = "delegate"

OF_ROLE = frozenset({ACCOUNT, WORK, TICKET, BREAK_GLASS})
"""Fields whose block belongs to the chosen role: another role, another block."""


def block_of(field: str, role: str = "", parameter: str = "", account: str = "") -> str:
    """The block id of a field; it names the role where the field is the role's own.

    ``account``: where its choices are listed; in another account it is another field.
    """
    if parameter:
        return f"{PARAMETER}:{role}:{parameter}" + (f":{account}" if account else "")
    return f"{field}:{role}" if field in OF_ROLE else field


def parts_of(block_id: str) -> tuple[str, str, str]:
    """(field, role, parameter) of a block id made by ``block_of``; what is not there is empty."""
    field, _, rest = block_id.partition(":")
    role, _, rest = rest.partition(":")
    return field, role, rest.partition(":")[0]


def account_of(block_id: str) -> str:
    """The account of a block id made by ``block_of``; empty where it names none."""
    return ":".join(block_id.split(":")[3:4])
