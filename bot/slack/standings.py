"""Where a pending request stands, in words: stage by stage, who has said what, whose turn it is, who is on it."""

from bot.core.model import AccessRequest, RequestStatus
from bot.core.policy.boards import Board, StageBoard
from bot.service.cards import Names, RequestCard
from bot.slack import blocks as b
from bot.slack import ids
from bot.slack.blocks import Blocks, Json
from bot.slack.wording import SHORT

NOTES_MOST = 5
BOARDS_MOST = 5


def standings(card: RequestCard) -> Blocks:
    """Under the line that says that it waits; nothing where that line says all."""
    request, names = card.request, card.names
    if request.status is not RequestStatus.PENDING:
        return []
    lines = _stages(card)
    if request.claimed_by:
        lines.append(f"👀 {b.who(names, request.claimed_by)} is on it")
    said = [
        block
        for denial in request.denials[-NOTES_MOST:]
        for block in b.quote(denial.note, _no(card, denial.person), 600)
    ]
    return [*([b.section("\n".join(lines))] if lines else []), *said]


def asked(card: RequestCard) -> str:
    """Whose turn it is; all who may have one where nobody can say."""
    turns = [stage for board in card.boards if (stage := board.current)]
    people = tuple(dict.fromkeys(person for stage in turns for person in stage.asked))
    return f"Asked: {b.everyone(card.names, people if turns else card.request.approvers_asked)}"


def claim(request: AccessRequest) -> Json:
    """The button by which an approver tells the others that they look at it."""
    return b.button("I take it over" if request.claimed_by else "I'm on it", ids.CLAIM, request.id)


def _stages(card: RequestCard) -> list[str]:
    shown, known = list[str](), set[tuple[StageBoard, ...]]()
    for board in card.boards[:BOARDS_MOST]:
        if board.stages in known:
            continue  # the same people decide several targets
        known.add(board.stages)
        shown += _of_board(board, card.names, one=len(card.boards) == 1)
    return shown


def _of_board(board: Board, names: Names, *, one: bool) -> list[str]:
    """Of a single stage only its noes: the rest is said above, and whoever is asked stands below."""
    head = [] if one else [f"*{b.esc(board.item.role, SHORT)}* in *{b.esc(board.item.account, SHORT)}*"]
    if one and len(board.stages) == 1:
        noes = _noes(board.stages[0])
        return [f"✋ {noes}"] if noes else []
    return head + [_stage(stage, f"Stage {at}", names) for at, stage in enumerate(board.stages, 1)]


def _stage(stage: StageBoard, number: str, names: Names) -> str:
    title = b.esc(stage.title, SHORT)
    yeses = f": {b.everyone(names, stage.yeses)} said yes" if stage.yeses else ""
    if not stage.is_on:
        if stage.yeses:
            return f"✅ {title or number}{yeses}"
        return f"⚪ Then {title or number.lower()}{f' ({stage.quorum} have to say yes)' if stage.quorum > 1 else ''}"
    far = f" · {len(stage.yeses)} of {stage.quorum} said yes" if stage.quorum > 1 else ""
    by = f": {b.everyone(names, stage.yeses)}" if stage.yeses else ""
    noes = _noes(stage)
    return f"👉 *Next: {title or number.lower()}*{far}{by}{f' · {noes}' if noes else ''}"


def _noes(stage: StageBoard) -> str:
    """How many there are, where it takes several."""
    return f"{len(stage.noes)} of {stage.refusals} said no" if stage.refusals > 1 else ""


def _no(card: RequestCard, person: str) -> str:
    return f"{b.name_of(card.names, person)} said no"
