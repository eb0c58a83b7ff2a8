"""The card of a policy that the ledger does not account for, and the modals behind it. Made from state alone."""

import json
from collections.abc import Iterator
from typing import Any

from bot.core.duration import format_duration
from bot.core.model import Grant, GrantStatus
from bot.core.strays import ADOPTED_FOR, PREFIX, DriftKind, Fate, Stray
from bot.service.cards import StrayCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json, Message
from bot.slack.views import CODE_HINT
from bot.slack.wording import SHORT

STATEMENTS_MOST = 4
POLICY_BLOCKS = 40

_HEADS = {
    DriftKind.UNKNOWN: "Access that nobody approved here",
    DriftKind.ALTERED: "Approved access was changed behind prodaccess",
}
_DOING = {
    Fate.REMOVED: "Being removed",
    Fate.ADOPTED: "Being adopted",
    Fate.RESTORED: "Being restored",
    Fate.VANISHED: "Gone by itself; the block is being lifted",
}
_DONE = {
    Fate.REMOVED: "The policy is gone, and the block with it.",
    Fate.ADOPTED: "It is a grant with an end now; the old policy and the block are gone.",
    Fate.RESTORED: "What was approved is in place again; the block is lifted.",
    Fate.VANISHED: "Somebody removed it, or put it right, in the account itself; the block is lifted.",
}


def stray_card(card: StrayCard) -> Message:
    """For the security channel."""
    stray = card.stray
    head = _HEADS[stray.kind]
    mark = "🚨" if stray.settled_at is None else "✅"
    blocks: Blocks = [
        b.header(f"{mark} {head}"),
        b.section(_what(card)),
        *b.facts(_facts(card, with_end=stray.fate is None)),
        b.section(_status(card)),
    ]
    blocks.append(b.section("\n".join([f"*It {'allows' if stray.settled_at is None else 'allowed'}*", *_allows(card)])))
    if stray.fate is None:
        blocks += [
            b.section("\n".join(["*What to do* (admins only)", *_choices(card)])),
            b.actions(*_buttons(card)),
        ]
    else:
        blocks.append(b.actions(_policy_button(stray)))
    where = f"{b.esc(stray.principal, 120)} in {b.esc(card.account_title, SHORT)}"
    return b.message(f"{mark} {head}: {where} · {_word(stray)}", blocks)


def confirm(card: StrayCard, fate: Fate) -> Json:
    """The admin's code, for exactly this."""
    stray = card.stray
    adopting = fate is Fate.ADOPTED
    does = _adopting(card) if adopting else _restoring(card)
    text = stray.text if adopting or card.grant is None else card.grant.policy
    blocks = [
        b.section(f"You decide this: {does}"),
        *b.facts(_facts(card, with_end=adopting)),
        b.section("*Exactly this*"),
        *b.code_in_full(_indented(text), POLICY_BLOCKS),
        b.code_input("Code from your authenticator", ids.CODE, hint=CODE_HINT),
    ]
    title, callback = ("Adopt", ids.ADOPT_CODE) if adopting else ("Restore", ids.RESTORE_CODE)
    return b.modal(f"{title} with a code", blocks, callback=callback, submit=title, subject=stray.id)


def in_full(card: StrayCard) -> Json:
    """The policy as it was found, and what was approved where something was."""
    blocks: Blocks = [b.section("*As it was found*"), *b.code_in_full(_indented(card.stray.text), POLICY_BLOCKS)]
    if card.stray.kind is DriftKind.ALTERED and card.grant is not None:
        window = f"in force from {b.when(card.grant.starts_at)} until {b.when(card.grant.expires_at)}"
        blocks += [b.section(f"*As it was approved*, {window}"), *b.code_in_full(_indented(card.grant.policy), 40)]
    return b.modal("Policy", blocks)


# --- what it says ----------------------------------------------------------------------------------------


def _what(card: StrayCard) -> str:
    who, grant = _who(card), card.grant
    if card.stray.kind is DriftKind.ALTERED:
        return f"{who} holds an approved grant, but its policy in the cloud account says something else now."
    if grant is not None and card.stray.fate is not Fate.ADOPTED and grant.status is GrantStatus.ENDED:
        ended = b.when(grant.ended_at or grant.expires_at)
        return f"{who} has a policy under the name of a grant that ended {ended}. prodaccess did not put it there."
    return f"{who} has a policy under prodaccess's name that prodaccess did not put there."


def _who(card: StrayCard) -> str:
    if card.owners:
        return b.everyone(card.names, card.owners)
    return f"`{b.esc(card.stray.principal, 120)}` (nobody in access.yaml)"


def _facts(card: StrayCard, *, with_end: bool = True) -> list[tuple[str, str]]:
    stray, grant = card.stray, card.grant
    own_end = ("Its own end", b.when(card.end) if card.end else "none: it would stay for ever")
    return [
        ("Identity", f"`{b.esc(stray.principal, 120)}`"),
        ("Account", f"{b.esc(card.account_title, SHORT)} `{b.esc(card.account_number, 20) or '–'}`"),
        ("Policy", f"`{b.esc(PREFIX + stray.name, 140)}`"),
        ("Found", b.when(stray.found_at)),
        *([("Grant", _grant(grant))] if grant else []),
        *([own_end] if with_end else []),
    ]


def _grant(grant: Grant) -> str:
    if grant.status is GrantStatus.ENDED:
        return f"`{b.esc(grant.id, 40)}`, ended"
    return f"`{b.esc(grant.id, 40)}`, until {b.when(grant.expires_at)}"


def _status(card: StrayCard) -> str:
    stray = card.stray
    if stray.fate is not None:
        by = "" if stray.fate is Fate.VANISHED else f" by {b.who(card.names, stray.settled_by)}"
        if stray.settled_at is None:
            return f"⏳ *{_DOING[stray.fate]}*{by and f' · decided{by}'} · {b.when(stray.decided_at or stray.found_at)}"
        word = "Gone by itself" if stray.fate is Fate.VANISHED else str(stray.fate).capitalize()
        return f"✅ *{word}*{by} · {b.when(stray.settled_at)}\n{_DONE[stray.fate]}"
    if stray.problem:
        return f"🔓 *Not blocked.* {b.esc(stray.problem, 600)} *Decide now.*"
    if stray.quarantined_at is None:
        return "⏳ *Being blocked …* Until then it works."
    return (
        f"🔒 *Blocked* since {b.when(stray.quarantined_at)}: policy `{b.esc(PREFIX + stray.quarantine, 140)}` denies "
        "exactly what this one allows. Their other access goes on; only what allows the same is denied with it."
    )


def _word(stray: Stray) -> str:
    """Where it stands, in plain words."""
    if stray.settled_at is not None:
        return str(stray.fate)
    if stray.fate is not None:
        return _DOING[stray.fate].casefold()
    return "blocked, waits for an admin" if stray.quarantined_at else "NOT blocked, waits for an admin"


def _choices(card: StrayCard) -> Iterator[str]:
    evidence = "The text stays in the audit log."
    if card.stray.kind is DriftKind.ALTERED:
        yield f"• *Remove* ends the grant and deletes its policy. Always safe; right if in doubt. {evidence}"
    else:
        yield f"• *Remove* deletes this policy. Always safe; right if in doubt. {evidence}"
    if card.not_offered:
        yield f"• {b.esc(card.not_offered)}"
    elif card.stray.kind is DriftKind.UNKNOWN:
        yield f"• *Adopt*: {_adopting(card)} Needs your code."
    else:
        yield f"• *Restore*: {_restoring(card)} Needs your code."


def _adopting(card: StrayCard) -> str:
    most = format_duration(ADOPTED_FOR)
    return f"{b.everyone(card.names, card.owners[:1])} keeps it, as a grant that ends after {most} at most."


def _restoring(card: StrayCard) -> str:
    until = f" until {b.when(card.grant.expires_at)}" if card.grant else ""
    return f"exactly what was approved is put back, and {_who(card)} goes on with it{until}."


# --- what it allows --------------------------------------------------------------------------------------


def _allows(card: StrayCard) -> list[str]:
    found = [_statement(each) for each in _statements(card.stray.text)]
    more = [f"… and {len(found) - STATEMENTS_MOST} statements more"] if len(found) > STATEMENTS_MOST else []
    return [*found[:STATEMENTS_MOST], *more] or ["• nothing by itself"]


def _statements(text: str) -> list[dict[str, Any]]:
    parsed = json.loads(text)
    found = parsed.get("Statement", []) if isinstance(parsed, dict) else []
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, dict) and each.get("Effect") == "Allow"]


def _statement(statement: dict[str, Any]) -> str:
    condition = ", under conditions" if statement.get("Condition") else ""
    return f"• {_values(statement, 'Action')} on {_values(statement, 'Resource')}{condition}"


def _values(statement: dict[str, Any], part: str) -> str:
    but = "" if part in statement else "everything but "
    value = statement.get(part, statement.get(f"Not{part}", []))
    values = value if isinstance(value, list) else [value]
    shown = ", ".join(f"`{b.esc(str(each).replace('`', ''), 150)}`" for each in values[:3])
    return but + (shown or "–") + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def _indented(text: str) -> str:
    return json.dumps(json.loads(text), indent=2)


# --- buttons ---------------------------------------------------------------------------------------------


def _buttons(card: StrayCard) -> Iterator[Json]:
    stray = card.stray
    yield b.button("Remove", ids.REMOVE_STRAY, stray.id, "danger")
    if not card.not_offered:
        adopting = stray.kind is DriftKind.UNKNOWN
        word, action = ("Adopt", ids.ADOPT_STRAY) if adopting else ("Restore", ids.RESTORE_STRAY)
        yield b.button(word, action, stray.id)
    yield _policy_button(stray)


def _policy_button(stray: Stray) -> Json:
    return b.button("Show policy", ids.STRAY_POLICY, stray.id)
