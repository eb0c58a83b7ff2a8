"""Whether what a role gives is a way to permissions that it does not give."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from bot.catalogue.aws_lint.database import Action
from bot.catalogue.aws_lint.given import Given, fits
from bot.catalogue.aws_lint.paths import PASSING, WAYS, Way
from bot.catalogue.lint import is_narrowed
from bot.catalogue.problems import Finding, Path, Severity, show_path

_ASSUMING = frozenset({"sts:assumerole", PASSING})
_PASSED_TO = "iam:passedtoservice"
_TOLD_MOST = 3
"""Ways that are told one by one where one entry opens them."""
Place = tuple[Given, int, Action]
"""A statement, the index of an entry in its ``actions``, and one action that this covers."""
Places = Mapping[str, Sequence[Place]]


def check_escalation(givens: Sequence[Given]) -> Iterator[Finding]:
    """Every way to more permissions that the statements of one role open together."""
    places = _places(givens)
    found: dict[Path, list[Finding]] = {}
    for finding in (each for way in WAYS for each in _found(way, places)):
        found.setdefault(finding.path, []).append(finding)
    for same in found.values():
        yield from same if len(same) <= _TOLD_MOST else [_together(same)]
    for given in givens:
        yield from _broad_roles(given)


def _together(findings: Sequence[Finding]) -> Finding:
    """One finding for what a wildcard opens."""
    first = findings[0]
    message = f"opens {len(findings)} ways to more permissions; one of them: {first.message}"
    severity = Severity.ERROR if any(each.severity is Severity.ERROR for each in findings) else Severity.WARNING
    return Finding(first.path, message, "name the actions that the work needs", severity)


def _places(givens: Sequence[Given]) -> Places:
    found: dict[str, list[Place]] = {}
    for given in givens:
        for at, _, actions in given.patterns:
            for action in actions:
                if action.low in _WANTED and (given.applies(action) or not action.types):
                    found.setdefault(action.low, []).append((given, at, action))
    return found


def _found(way: Way, places: Places) -> Iterator[Finding]:
    """A finding for every entry that is a way by itself, one for several that are a way together."""
    if len(way.needs) == 1 and not way.service:
        alone = (place for name in sorted(way.needs[0]) for place in places.get(name, ()))
        yield from (_way(way, place) for place in alone)
        return
    chosen = [_first(each, places) for each in way.needs]
    if way.service:
        passing = (place for place in places.get(PASSING, ()) if _may_go_to(way.service, place[0]))
        chosen.append(next(passing, None))
    if sure := [place for place in chosen if place is not None]:
        yield from [_way(way, *sure)] if len(sure) == len(chosen) else []


def _way(way: Way, place: Place, *others: Place) -> Finding:
    given, at, action = place
    beside = " and ".join(f"{other} (in {_shown(there)})" for there, _, other in others)
    message = f"{action}{' with ' if beside else ''}{beside} {way.reaches}"
    return Finding((*given.path, "actions", at), message, way.hint, way.severity)


def _shown(given: Given) -> str:
    return show_path(given.path[2:])


def _first(names: frozenset[str], places: Places) -> Place | None:
    return next((place for name in sorted(names) for place in places.get(name, ())), None)


def _may_go_to(service: str, given: Given) -> bool:
    """Whether the statement lets a role be passed to ``service``."""
    for operator, keys in given.statement.conditions.items():
        for key, values in keys.items():
            if key.casefold() != _PASSED_TO or "Not" in operator or operator == "Null":
                continue
            if not any(fnmatchcase(service, value.casefold()) or "{" in value for value in values):
                return False
    return True


def _broad_roles(given: Given) -> Iterator[Finding]:
    """``sts:AssumeRole`` and ``iam:PassRole`` on more roles than are named."""
    taking = [action for _, _, actions in given.patterns for action in actions if action.low in _ASSUMING]
    if not taking or is_narrowed(given.statement.conditions):
        return
    for at, text, target in given.targets:
        if _is_broad(text) and any(fits(action, target) for action in taking):
            path: Path = (*given.path, "resources", at)
            yield _broad(path, text, taking)


def _is_broad(resource: str) -> bool:
    """Whether a wildcard stands in the account or the name of a role."""
    return any(sign in resource for sign in "*?")


def _broad(path: Path, text: str, taking: Sequence[Action]) -> Finding:
    names = " and ".join(sorted({str(action) for action in taking}))
    hint = "name each role, as in arn:aws:iam::{account}:role/<RoleName>"
    if any(action.low == PASSING for action in taking):
        hint += ', and the service: {StringEquals: {"iam:PassedToService": lambda.amazonaws.com}}'
    return Finding(path, f"{names} on {text} reaches every role that it matches, those made later too", hint)


_WANTED = frozenset(action for way in WAYS for each in way.needs for action in each) | _ASSUMING
