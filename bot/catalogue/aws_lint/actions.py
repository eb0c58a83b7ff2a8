"""Names that AWS does not have, and wildcards that take in more than reads."""

from collections.abc import Iterator, Mapping, Sequence

from bot.catalogue.aws_lint.database import Action, Level
from bot.catalogue.aws_lint.given import SHOWN, Given, count, few, levels
from bot.catalogue.aws_lint.paths import KNOWN
from bot.catalogue.problems import Finding, Severity

_CALLED: Mapping[str, str] = {
    "s3:headobject": "s3:GetObject",
    "s3:copyobject": "s3:GetObject on the source and s3:PutObject on the target",
    "s3:uploadpart": "s3:PutObject",
    "s3:createmultipartupload": "s3:PutObject",
    "s3:completemultipartupload": "s3:PutObject",
    "s3:deleteobjects": "s3:DeleteObject",
    "s3:headbucket": "s3:ListBucket",
    "s3:listobjects": "s3:ListBucket",
    "s3:listobjectsv2": "s3:ListBucket",
    "s3:listobjectversions": "s3:ListBucketVersions",
    "s3:listbuckets": "s3:ListAllMyBuckets",
    "lambda:invoke": "lambda:InvokeFunction",
}
"""API calls that go by another name in policies."""


def check_names(given: Given) -> Iterator[Finding]:
    """Actions and services that are not there: IAM takes them and allows nothing."""
    database = given.database
    for at, text in enumerate(given.statement.actions):
        if database.expand(text):
            continue
        here = (*given.path, "actions", at)
        service, _, name = text.partition(":")
        if "*" not in service and not database.knows_service(service):
            yield Finding(here, f"“{service}” is no service of AWS", database.meant(text))
        elif "*" in name or "?" in name:
            yield Finding(here, f"{text} covers no action of AWS", "name the actions that are meant")
        else:
            called = _CALLED.get(text.casefold())
            hint = f"the call {name} is allowed by {called}" if called else database.meant(text)
            yield Finding(here, f"{text} is no action of AWS, so that it allows nothing", hint)


def check_wildcards(given: Given) -> Iterator[Finding]:
    """What a wildcard takes in; a warning where all of it reads."""
    for at, text, actions in given.patterns:
        if "*" not in text and "?" not in text:
            continue
        about = [action for action in actions if given.applies(action)]
        if not about:
            continue  # which is found beside its resources
        changing = [action for action in about if not action.reads]
        some = f", of which {len(about)} can be about these resources" if len(about) < len(actions) else ""
        message = f"{text} covers {count(len(actions), 'action')}{some}: {', '.join(levels(about))}"
        severity = Severity.ERROR if changing else Severity.WARNING
        yield Finding((*given.path, "actions", at), message, _instead(about, changing), severity)


def check_permissions(given: Given) -> Iterator[Finding]:
    """Named actions that give access to others; no end of a grant takes that back."""
    for at, text, actions in given.patterns:
        wild = "*" in text or "?" in text
        if not wild and actions[0].level is Level.PERMISSIONS and text.casefold() not in KNOWN:
            message = f"{text} manages permissions: what it gives stays when the grant ends"
            yield Finding((*given.path, "actions", at), message, "leave it to your infrastructure code")


def _instead(actions: Sequence[Action], changing: Sequence[Action]) -> str:
    if len(actions) <= SHOWN:
        return f"write out those that the work needs: {few(actions)}"
    reading = [action for action in actions if action.reads]
    if not changing:
        return f"name those that the work needs, as in {few(reading)}"
    worst = sorted(changing, key=lambda action: action.level is not Level.PERMISSIONS)
    return f"name those that the work needs; beside reads it takes in {few(worst)}"
