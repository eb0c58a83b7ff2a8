"""What people see of several targets in one request: each of them, and where they stand together."""

from collections.abc import Iterable, Iterator, Sequence

from bot.core.model import Grant, GrantStatus
from bot.service.cards import HomeCard, Names, Notice
from bot.service.stopping import STOPPABLE
from bot.service.targets import Target
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks
from bot.slack.how_to import how_to_use
from bot.slack.wording import SHORT, grant_status, titles, what_grant

VALUE = 100
"""Characters of a parameter's value on a card."""
PARAMETERS_MOST = 8
"""Parameters of one target on a card; all are in the modal behind it."""
LIVE_MOST = 6
"""Grants of one request on a person's page."""
_FULL = 2000
_HOW_TO_ALL = 36
"""Blocks of how to use all of it: a message holds 50, and its button is the last."""


def targets(found: Sequence[Target], names: Names) -> Blocks:
    """A section for each, with its parameters in short and where its grant stands."""
    return [b.section(_short(target, names)) for target in found]


def targets_in_full(found: Sequence[Target], names: Names) -> Blocks:
    """Each with every parameter in full: what a code confirms, or an approver looks at."""
    return [block for target in found for block in _full(target, names)]


def state_of(grants: Sequence[Grant]) -> str:
    """Where grants of one request stand, in a plain word or two."""
    words = list(dict.fromkeys(map(_word, grants)))
    active = sum(grant.status is GrantStatus.ACTIVE for grant in grants)
    if len(words) == 1:
        return words[0]
    if active:
        return f"{active} of {len(grants)} active"
    return next((word for word in ("being removed", "approved", "scheduled") if word in words), ", ".join(words))


def together(grants: Iterable[Grant]) -> list[tuple[Grant, ...]]:
    """Grants of one request side by side, in the order in which the first of each comes."""
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        found.setdefault(grant.request_id, []).append(grant)
    return [tuple(sorted(each, key=lambda grant: grant.item)) for each in found.values()]


def live(held: Sequence[Grant], card: HomeCard) -> Blocks:
    """An entry of a person's page for several grants of one request."""
    lines = [f"{what_grant(grant, card.catalogue)}\n{grant_status(grant, card.names)}" for grant in held[:LIVE_MOST]]
    lines += [f"… and {len(held) - LIVE_MOST} more"] if len(held) > LIVE_MOST else []
    stoppable = any(grant.status in STOPPABLE for grant in held)
    done = b.button("I'm done with all", ids.RELEASE, held[0].request_id) if stoppable else None
    return [b.section("\n".join(lines), done)]


def told(notice: Notice) -> Blocks:
    """Each target of a notice, and how to use it where that is told; the same is said once."""
    shown: set[tuple[str, str]] = set()
    blocks: Blocks = []
    for target in notice.targets:
        if target.grant is not None:
            where = titles(target.role_title, target.account_title)
            blocks.append(b.section(f"{where}\n{grant_status(target.grant, notice.names)}"))
        if notice.what == "active":
            fresh = [pair for pair in target.how_to_use if pair not in shown]
            shown |= set(fresh)
            blocks += how_to_use(fresh[: _HOW_TO_ALL // len(notice.targets)])
    return blocks


def _short(target: Target, names: Names) -> str:
    params = [f"{b.esc(title, SHORT)}: {b.esc(value, VALUE) or '–'}" for title, value in target.params]
    more = [f"and {len(params) - PARAMETERS_MOST} more"] if len(params) > PARAMETERS_MOST else []
    said = " · ".join([*params[:PARAMETERS_MOST], *more])
    return "\n".join([_where(target), *([said] if said else []), *_status(target, names)])


def _full(target: Target, names: Names) -> Iterator[b.Json]:
    yield b.section("\n".join([_where(target), *_status(target, names)]))
    yield from b.facts((title, b.esc(value, _FULL) or "–") for title, value in target.params)


def _where(target: Target) -> str:
    number = f" `{b.esc(target.account_number, 20)}`" if target.account_number else ""
    identity = f" as `{b.esc(target.principal, 120)}`" if target.principal else ""
    return f"{titles(target.role_title, target.account_title)}{number}{identity}"


def _status(target: Target, names: Names) -> list[str]:
    return [grant_status(target.grant, names)] if target.grant else []


def _word(grant: Grant) -> str:
    if grant.status is GrantStatus.ENDED:
        return f"ended: {grant.end_reason}"
    return {GrantStatus.GRANTING: "approved", GrantStatus.REVOKING: "being removed"}.get(
        grant.status, str(grant.status)
    )
