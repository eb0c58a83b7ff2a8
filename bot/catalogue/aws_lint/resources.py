"""Resources that the actions beside them are never about, and those that could be narrower."""

from collections.abc import Iterator, Sequence

from bot.catalogue.aws_lint import arns
from bot.catalogue.aws_lint.database import Action
from bot.catalogue.aws_lint.given import Given, few, fits, forms
from bot.catalogue.lint import is_everything, is_narrowed
from bot.catalogue.problems import Finding, Path, Severity


def check_matches(given: Given) -> Iterator[Finding]:
    """ARNs that are cut short, and actions and resources that do not go together: they allow nothing."""
    yield from _cut_short(given)
    if given.is_unlimited or len(given.targets) < len(given.statement.resources):
        return
    useful = False
    for at, text, actions in given.patterns:
        fitting = [action for action in actions if given.applies(action)]
        useful = useful or bool(fitting)
        if not fitting:
            yield _not_about((*given.path, "actions", at), text, actions)
    if useful:
        yield from _without_action(given)


def check_open(given: Given) -> Iterator[Finding]:
    """Resources that name nothing, beside actions that AWS lets be narrowed; a warning where those only read."""
    if is_narrowed(given.statement.conditions):
        return
    for at, text, target in given.targets:
        if not is_everything(text):
            continue
        actions = [action for action in _narrowable(given) if text == "*" or fits(action, target)]
        changing = [action for action in actions if not action.reads]
        if actions:
            message = f"{text} is every resource for {few(changing or actions)}"
            severity = Severity.ERROR if changing else Severity.WARNING
            yield Finding((*given.path, "resources", at), message, forms(changing or actions), severity)


def _narrowable(given: Given) -> Iterator[Action]:
    """Actions that take a resource; not those of a wildcard that reads and needs ``*`` for some of what it covers."""
    for _, text, actions in given.patterns:
        narrow = [action for action in actions if action.types]
        needs_all = len(narrow) < len(actions) and ("*" in text or "?" in text)
        yield from (action for action in narrow if not (needs_all and action.reads))


def _cut_short(given: Given) -> Iterator[Finding]:
    for at, text in enumerate(given.statement.resources):
        if not arns.is_whole(text):
            actions = [action for _, _, found in given.patterns for action in found]
            what = "is cut short, and IAM puts * for what is missing" if text.startswith("arn:") else "is no ARN"
            yield Finding((*given.path, "resources", at), f"{text} {what}", forms(actions, text))


def _not_about(path: Path, text: str, actions: Sequence[Action]) -> Finding:
    """What to say of an entry in ``actions`` that has nothing to do with the resources."""
    narrow = [action for action in actions if action.types]
    if narrow:
        what = "is about none of these resources, so that it allows nothing"
        return Finding(path, f"{text} {what}", forms(narrow))
    hint = 'give it a statement of its own with resources: ["*"]'
    if keys := sorted(key for key in actions[0].keys if not key.startswith("aws:") and not key.endswith("*")):
        hint += f", narrowed by a condition on {keys[0]}"
    return Finding(path, f"{text} cannot be narrowed to a resource, so that this allows nothing", hint)


def _without_action(given: Given) -> Iterator[Finding]:
    actions = [action for _, _, found in given.patterns for action in found]
    for at, text, target in given.targets:
        if not any(fits(action, target) for action in actions):
            message = f"{text} is what none of these actions is about"
            yield Finding((*given.path, "resources", at), message, f"{forms(actions, text)}, or remove it")
