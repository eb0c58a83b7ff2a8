"""Being away, as it is shown: a part of the Home tab, and the form in which it is said."""

from datetime import datetime

from bot.core.absences import LONGEST
from bot.core.model import Absence
from bot.service.cards import HomeCard, Names
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json

CODE_HINT = "Six digits. Wanted only where somebody stands in: they approve with that person's word."


def at_home(card: HomeCard) -> Blocks:
    """Who is away, and in whose place the reader approves."""
    blocks: Blocks = []
    if card.in_place_of:
        blocks.append(b.section(f"👥 You approve in the place of {b.everyone(card.names, card.in_place_of)}"))
    if card.away is not None:
        blocks.append(b.section(is_away(card.away, card.names), b.button("I'm back", ids.BACK, card.person.id)))
    elif card.person.id in card.catalogue.people:
        blocks.append(b.actions(b.button("I'm away…", ids.AWAY, card.person.id)))
    return [b.divider(), *blocks] if blocks else []


def is_away(absence: Absence, names: Names, whom: str = "You are") -> str:
    """Until when, and who approves meanwhile. ``whom`` is safe mrkdwn."""
    instead = f"{b.who(names, absence.delegate)} approves" if absence.delegate else "Nobody approves"
    return (
        f"📅 {whom} away until {b.when(absence.until)}; {instead} in {'your' if whom == 'You are' else 'their'} place"
    )


def form(person: str, *, until: datetime | None = None, delegate: str = "", whose: str = "") -> Json:
    """``person`` is a person id, ``delegate`` a chat id, ``whose`` safe mrkdwn where it is not the reader."""
    picker: Json = {"type": "datetimepicker", "action_id": ids.UNTIL}
    menu: Json = {"type": "users_select", "action_id": ids.DELEGATE, "placeholder": b.plain("Choose a person", 150)}
    what = "is away" if whose else "are away"
    blocks: Blocks = [
        b.section(f"While {whose or 'you'} {what}, nothing is put to {'them' if whose else 'you'} for approval."),
        b.entry(
            "Until",
            ids.UNTIL,
            {**picker, **({"initial_date_time": int(until.timestamp())} if until else {})},
            hint=f"At most {LONGEST.days} days ahead.",
        ),
        b.entry(
            "Who approves meanwhile",
            ids.DELEGATE,
            {**menu, **({"initial_user": delegate} if delegate else {})},
            optional=True,
        ),
        {**b.code_input("Code from your authenticator", ids.CODE, hint=CODE_HINT), "optional": True},
    ]
    return b.modal("Away", blocks, callback=ids.AWAY_FORM, submit="Save", subject=person)
