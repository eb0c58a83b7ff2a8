"""Where a pending request stands, as people are shown it: stage by stage, who has spoken and whose turn it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.model import AccessRequest, Item
from bot.core.policy.approvers import standing
from bot.core.policy.case import Asking
from bot.core.rules import Stage


@dataclass(frozen=True, slots=True)
class StageBoard:
    """One stage of a target. People are person ids."""

    title: str
    """Empty where the stage has none."""
    quorum: int
    refusals: int
    yeses: tuple[str, ...]
    """Whose yes counted here, in that order."""
    noes: tuple[str, ...]
    is_on: bool
    """Whether it is this stage's turn."""
    asked: tuple[str, ...] = ()
    """Who may speak here; nobody while the stage is still to come."""


@dataclass(frozen=True, slots=True)
class Board:
    """Where one target stands."""

    item: Item
    stages: tuple[StageBoard, ...]

    @property
    def current(self) -> StageBoard | None:
        """The stage that is on; ``None`` when all are through."""
        return next((stage for stage in self.stages if stage.is_on), None)


def boards_of(request: AccessRequest, asking: Asking) -> tuple[Board, ...]:
    """Where each of the request's items stands at ``asking.now``. Raises KeyError without a role."""
    said = replace(asking, approvals=request.approvals)
    return tuple(_board(request, replace(said, at=at)) for at, _ in enumerate(request.ask.items))


def asked_so_far(request: AccessRequest, boards: Sequence[Board]) -> tuple[str, ...]:
    """Whose turn it is, or was (person ids); nobody whose stage is still to come, and of the past nobody new."""
    known, found = set(request.approvers_asked), list[str]()
    for board in boards:
        for stage in board.stages:
            found += stage.asked if stage.is_on else [person for person in stage.asked if person in known]
            if stage.is_on:
                break
    return tuple(dict.fromkeys(found))


def awaited(request: AccessRequest, boards: Sequence[Board]) -> tuple[str, ...]:
    """Whose turn it is and who has said nothing yet (person ids)."""
    spoken = {approval.person for approval in request.approvals} | {denial.person for denial in request.denials}
    on = [stage for board in boards if (stage := board.current)]
    return tuple(dict.fromkeys(person for stage in on for person in stage.asked if person not in spoken))


def _board(request: AccessRequest, of: Asking) -> Board:
    stages, sets = of.role.stages, of.sets_with_said(of.now - request.asked_at)
    where = standing(stages, sets, [approval.person for approval in request.approvals])
    noes = [denial.person for denial in request.denials]
    return Board(
        of.item,
        tuple(
            _stage(stage, [person.id for person in sets[at]], yeses, noes, at - where.current)
            for at, (stage, yeses) in enumerate(zip(stages, where.counted, strict=True))
        ),
    )


def _stage(stage: Stage, members: Sequence[str], yeses: tuple[str, ...], noes: Sequence[str], ahead: int) -> StageBoard:
    """``ahead``: how many stages there are from the one that is on to this one."""
    return StageBoard(
        title=stage.title,
        quorum=max(1, stage.quorum),
        refusals=max(1, stage.refusals),
        yeses=yeses,
        noes=tuple(person for person in noes if person in members),
        is_on=ahead == 0,
        asked=tuple(members) if ahead <= 0 else (),
    )
