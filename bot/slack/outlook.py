"""What will become of a request, in words: below the form's choices, and as the answer to why. Safe mrkdwn."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.core.duration import format_duration
from bot.core.model import Person
from bot.core.policy import Outlook, StageOutlook, Unknown
from bot.slack.blocks import SECTION_TEXT, clip, esc
from bot.slack.wording import NO_BREAK

CANNOT_BE_SAID = "👥 Who will be asked cannot be said just now."
OF_A_BUNDLE = "📦 The approvers of each of its roles are asked; all of it is granted or nothing."
NAMED_MOST = 8
"""People of a stage who are named; of the others it is told how many they are."""
_NAMED_OF_SEVERAL = 4
"""As ``NAMED_MOST`` for each of several roles, of which there may be ten."""
_REFUSALS_MOST = 5
_TEXT_MOST = 400
_MORE = "… and more; `/prodaccess why` says all of it"


def in_words(outlook: Outlook | None) -> str:
    """A few lines: what is refused, whether anybody has to be asked, who is, and for how long it may be."""
    if outlook is None:
        return CANNOT_BE_SAID
    first, last = [*_refused(outlook), *_without_a_word(outlook)], []
    if outlook.critical:
        last.append("🔐 Critical: two approvers, and a code for exactly this from each side.")
    if outlook.longest > timedelta(0):
        limit = f", {esc(outlook.limit, 120)}" if outlook.limit else ""
        last.append(f"⏱️ *At most {length(outlook.longest)}*{limit}.")
    room = SECTION_TEXT - sum(len(line) + 1 for line in (*first, *last))
    return "\n".join([*first, *_fitting(_asked(outlook), room), *last])


def stages_in_words(stages: Sequence[StageOutlook], most: int = NAMED_MOST) -> list[str]:
    """A line for each stage: who has to say yes, in their order; at most so many of each stage are named."""
    if len(stages) == 1:
        return [f"👥 *To be approved by* {_stage(stages[0], most)}"]
    words = ("First by", *("Then by" for _ in stages[1:]))
    return [
        f"👥 *{word} {esc(_title(stage, at), 80)}:* {_stage(stage, most)}"
        for at, (word, stage) in enumerate(zip(words, stages, strict=False))
    ]


def role_in_words(title: str, stages: Sequence[StageOutlook]) -> list[str]:
    """One of several roles, and who has to say yes to it."""
    return [f"*{esc(title, 80)}*", *stages_in_words(stages, _NAMED_OF_SEVERAL)]


def length(duration: timedelta) -> str:
    """A length that is never torn apart at a line's end."""
    return format_duration(duration).replace(" ", NO_BREAK)


def _asked(outlook: Outlook) -> list[str]:
    if len(outlook.roles) == 1:
        return stages_in_words(outlook.roles[0].stages)
    return [OF_A_BUNDLE, *(line for role in outlook.roles for line in role_in_words(role.title, role.stages))]


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """The first of these lines that there is room for, in characters."""
    if sum(len(line) + 1 for line in lines) <= room:
        return list(lines)
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < len(_MORE) + 1:
            break
        kept.append(line)
    return [*kept, _MORE] if kept else [clip(lines[0], room + len(lines[0]))]


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


def _stage(stage: StageOutlook, most: int) -> str:
    view = stage.view
    who = [*_people(view.at_once, most), *map(_source, stage.unknown)]
    if not who:
        who, later = _people(view.later, most), ""
    else:
        later = f"; later or instead {_or(_people(view.later, most))}" if view.later else ""
    if not who:
        return "nobody who could approve it"
    several = f"{view.needed} of " if view.needed > 1 else ""
    return f"{several}{_or(who) if view.needed == 1 else ', '.join(who)}{later}"


def _people(people: Sequence[Person], most: int) -> list[str]:
    named = [_person(person) for person in people[:most]]
    return [*named, f"{len(people) - most} more"] if len(people) > most else named


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
