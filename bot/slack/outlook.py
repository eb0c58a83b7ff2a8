"""What will become of a request, in words: below the form's choices, and as the answer to why. Safe mrkdwn."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.core.duration import format_duration
from bot.core.model import Person
from bot.core.policy import Outlook, StageOutlook, Unknown
from bot.slack.blocks import SECTION_TEXT, clip, esc
from bot.slack.wording import NO_BREAK

CANNOT_BE_SAID = "👥 Who will be asked cannot be said just now."
NAMED_MOST = 8
"""People of a stage who are named; of the others it is told how many they are."""
_REFUSALS_MOST = 5
_TEXT_MOST = 400


def in_words(outlook: Outlook | None) -> str:
    """A few lines: what is refused, whether anybody has to be asked, who is, and for how long it may be."""
    if outlook is None:
        return CANNOT_BE_SAID
    lines = [*_refused(outlook), *_without_a_word(outlook), *stages_in_words(outlook.stages)]
    if outlook.critical:
        lines.append("🔐 Critical: two approvers, and a code for exactly this from each side.")
    if outlook.longest > timedelta(0):
        limit = f", {esc(outlook.limit, 120)}" if outlook.limit else ""
        lines.append(f"⏱️ *At most {length(outlook.longest)}*{limit}.")
    return clip("\n".join(lines), SECTION_TEXT)


def stages_in_words(stages: Sequence[StageOutlook]) -> list[str]:
    """A line for each stage: who has to say yes, in their order."""
    if len(stages) == 1:
        return [f"👥 *To be approved by* {_stage(stages[0])}"]
    words = ("First by", *("Then by" for _ in stages[1:]))
    return [
        f"👥 *{word} {esc(_title(stage, at), 80)}:* {_stage(stage)}"
        for at, (word, stage) in enumerate(zip(words, stages, strict=False))
    ]


def length(duration: timedelta) -> str:
    """A length that is never torn apart at a line's end."""
    return format_duration(duration).replace(" ", NO_BREAK)


def _refused(outlook: Outlook) -> list[str]:
    if not outlook.refusals:
        return []
    told = [f"• {esc(reason.text, _TEXT_MOST)}" for reason in outlook.refusals[:_REFUSALS_MOST]]
    return ["⛔ *As it is filled in, this would be refused:*", *told]


def _without_a_word(outlook: Outlook) -> list[str]:
    conditions = outlook.automatic
    if not conditions or outlook.refusals:
        return []
    missing = [esc(each.text, _TEXT_MOST) for each in conditions if each.holds is False]
    if missing:
        return [f"💬 Not approved at once: {_and(missing)}."]
    still = [esc(each.text, _TEXT_MOST) for each in conditions if each.holds is None]
    holding = [esc(each.text, _TEXT_MOST) for each in conditions if each.holds]
    if still:
        return [f"⚡ *May be approved at once* if {_and(still)}. Else:"]
    return [f"⚡ *May be approved at once:* {_and(holding)}. Else:"]


def _title(stage: StageOutlook, at: int) -> str:
    title = stage.view.title
    return title if title != f"stage {at + 1}" else "somebody"


def _stage(stage: StageOutlook) -> str:
    view = stage.view
    who = [*_people(view.at_once), *map(_source, stage.unknown)]
    if not who:
        who, later = _people(view.later), ""
    else:
        later = f"; later or instead {_or(_people(view.later))}" if view.later else ""
    if not who:
        return "nobody who could approve it"
    several = f"{view.needed} of " if view.needed > 1 else ""
    return f"{several}{_or(who) if view.needed == 1 else ', '.join(who)}{later}"


def _people(people: Sequence[Person]) -> list[str]:
    named = [_person(person) for person in people[:NAMED_MOST]]
    return [*named, f"{len(people) - NAMED_MOST} more"] if len(people) > NAMED_MOST else named


def _person(person: Person) -> str:
    """A mention, which in a form or a private answer tells nobody; a name where the Slack id is not known."""
    return f"<@{min(person.slack_ids)}>" if person.slack_ids else esc(person.name, 100)


def _source(unknown: Unknown) -> str:
    match unknown.kind:
        case "manager":
            return "your manager by Slack's profile"
        case "slack_group":
            return f"<!subteam^{unknown.name}>"
        case "on_call":
            return f"who is on call ({esc(unknown.name, 80)})"
    return f"the owner of what “{esc(unknown.name, 80)}” names"


def _or(texts: Sequence[str]) -> str:
    return _listed(texts, "or")


def _and(texts: Iterable[str]) -> str:
    return _listed(tuple(texts), "and")


def _listed(texts: Sequence[str], word: str) -> str:
    return f" {word} ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
