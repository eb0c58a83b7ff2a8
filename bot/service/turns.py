"""Whose turn it is: where a pending request stands for one of those who were asked."""

from dataclasses import dataclass

from bot.core import policy


@dataclass(frozen=True, slots=True)
class Turn:
    """The stage that is on, counted from 1, of the first target that is not through, and this person's part in it."""

    stage: int
    stages: int
    title: str
    """The stage's; empty where it has none."""
    yeses: int
    quorum: int
    mine: bool
    """Whether a yes of this person would count now."""
    said: bool
    """Whether they have said yes."""


def turn_in(approving: policy.Approving) -> Turn | None:
    """Where the request stands for the approver that is looked at; ``None`` when every target is through.

    Raises KeyError when a role is gone.
    """
    turns = [_turn(each) for each in approving.each if not each.standing.complete]
    return next((turn for turn in turns if turn.mine), turns[0] if turns else None)


def _turn(a: policy.Approving) -> Turn:
    where, stages = a.standing, a.role.stages
    stage, said = stages[where.current], a.approver.id in a.said
    theirs = any(person.id == a.approver.id for person in a.sets[where.current])
    return Turn(
        stage=where.current + 1,
        stages=len(stages),
        title=stage.title,
        yeses=len(where.counted[where.current]),
        quorum=max(1, stage.quorum),
        mine=theirs and not said,
        said=said,
    )
