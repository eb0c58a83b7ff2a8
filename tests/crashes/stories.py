"""What happens, as steps that can be taken again: who saw no answer does it once more, as people do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.sandbox.slack import screen
from bot.slack import ids
from tests.crashes.world import ENROLLED, World
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import LINE, Phone, has_field, mentions

Step = Callable[[World], None]


@dataclass(frozen=True)
class Story:
    """``before`` leads to where it begins; a process dies somewhere in ``steps``; ``expects`` are points it must have.

    ``ending`` is what comes after the recovery and before all access is over. Stories that give or take access are
    told on both databases, the others on one: what differs is how a commit is made, and that is in all of them.
    """

    name: str
    steps: tuple[Step, ...]
    expects: tuple[str, ...]
    before: tuple[Step, ...] = ()
    ending: tuple[Step, ...] = ()
    replicas: int = 1
    enrolled: tuple[str, ...] = ENROLLED
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    stops_at_start: bool = False
    told_elsewhere: tuple[str, ...] = ()
    """Kinds of points that are the same in another story, and are stopped at there."""
    paused: bool = field(default=False)
    """Whether the process is paused at its calls, and woken when all is over, rather than killed."""


def work(world: World) -> None:
    """The worker."""
    world.work()


def tick(world: World) -> None:
    """What is looked for every few seconds."""
    world.bot.do("tick")


def later(**by: float) -> Step:
    """Time goes by. Once: whoever does the next step again does not wait again."""
    return lambda world: world.later(timedelta(**by))


# --- asking and deciding ---------------------------------------------------------------------------------


def ask(world: World) -> None:
    """Maya types a whole line and confirms it with a code."""
    maya = world.visitor("maya")
    if not maya.modals():
        world.act(lambda: maya.command(LINE))
    send_code(world, "maya")
    if maya.modals():
        assert "Sent." in screen.words(maya.modal()), screen.words(maya.modal())
        maya.close()


def asking(line: str) -> Step:
    """As ``ask``, for something else."""

    def ask_for_it(world: World) -> None:
        maya = world.visitor("maya")
        world.act(lambda: maya.command(line))
        if has_field(maya.modal(), ids.CODE):
            send_code(world, "maya")
        else:
            world.act(maya.submit)
        maya.close()

    return ask_for_it


def find_request(world: World) -> None:
    """Everybody looks at the cards."""
    (request,) = world.look().requests
    world.notes["request"] = request.id
    world.notes["channel card"] = card(world, "ines", request.id, APPROVALS)
    world.notes["own card"] = card(world, "maya", request.id, None)


def approve(world: World) -> None:
    """Inès clicks Approve on the card in the channel, and types a code if she is asked for one."""
    ines = world.visitor("ines")
    if not ines.modals():
        click(world, "ines", "channel card", ids.APPROVE)
    send_code(world, "ines")


def deny(world: World) -> None:
    """Inès clicks Deny and says why."""
    with_note(world, "ines", "channel card", ids.DENY)


def cancel(world: World) -> None:
    """Maya takes it back."""
    click(world, "maya", "own card", ids.CANCEL)


# --- having access, and no longer ------------------------------------------------------------------------


def find_grant(world: World) -> None:
    """Maya is told that she has access, and has it."""
    find_told(world)
    use(world)


def find_told(world: World) -> None:
    """Maya is told that she has access."""
    grant = world.look().grants[0]
    world.notes["grant"] = grant.id
    world.notes["active card"] = card(world, "ines", grant.request_id, APPROVALS)
    world.notes["told"] = next(m for m in world.visitor("maya").messages() if "You have access" in screen.words(m))


def use(world: World) -> None:
    """AWS lets Maya in."""
    assert world.cloud.terminal("maya", "logs-read") == "allowed"


def release(world: World) -> None:
    """Maya is done."""
    click(world, "maya", "told", ids.RELEASE)


def revoke(world: World) -> None:
    """Inès stops it, and says why."""
    with_note(world, "ines", "active card", ids.REVOKE)


def extend(world: World) -> None:
    """Maya makes it longer, and types a code for that; who made it longer already is told so."""
    maya = world.visitor("maya")
    if not maya.modals():
        world.notes["to extend"] = world.notes["told"]
        click(world, "maya", "to extend", ids.EXTEND)
    send_code(world, "maya")
    close_all(world, "maya")


def find_extension(world: World) -> None:
    """The approvers look at its card."""
    (request,) = (request for request in world.look().requests if request.ask.extends)
    world.notes["further card"] = card(world, "ines", request.id, APPROVALS)


def approve_extension(world: World) -> None:
    """Inès says yes once more."""
    click(world, "ines", "further card", ids.APPROVE)


def slack_is_down(world: World) -> None:
    """Nothing that the bot asks of Slack is answered."""
    world.take_slack_down()


def slack_is_up(world: World) -> None:
    """It is there again."""
    world.bring_slack_up()


def work_without_slack(world: World) -> None:
    """Once: what Slack refuses is tried again for ever."""
    world.bot.do("drain")


def is_gone_without_slack(world: World) -> None:
    """I11: nothing waited for Slack."""
    world.later(timedelta(seconds=91))
    for _ in range(3):
        world.bot.do("drain")
        world.later(timedelta(seconds=2))
    there = world.look()
    assert [str(grant.status) for grant in there.grants] == ["ended"], there.grants
    assert not there.policies, there.policies


def revoke_at_a_shell(world: World) -> None:
    """An operator, with Slack down and no bot running."""
    world.bot.do("revoke", grants=[world.notes["grant"]])


# --- enrolling -------------------------------------------------------------------------------------------


def enrol(world: World) -> None:
    """From the typed command to two codes in a row; whom something went wrong for begins again."""
    for _ in range(3):
        if world.is_enrolled("tomas"):
            return
        begin(world)
        vouch(world)
        set_up(world)
    raise AssertionError("Tomás cannot enrol")


def begin(world: World) -> None:
    """Tomás asks to enrol."""
    tomas = world.visitor("tomas")
    close_all(world, "tomas")
    world.act(lambda: tomas.command("/prodaccess enrol"))
    world.act(tomas.submit)


def vouch(world: World) -> None:
    """Sam has checked that it is him."""
    world.work()
    sam = world.visitor("sam")
    close_all(world, "sam")
    for offered in with_button(world, "sam", ids.VOUCH):
        world.act(lambda card=offered: sam.click(card, ids.VOUCH))
        send_code(world, "sam")


def set_up(world: World) -> None:
    """Tomás sees the secret, once, and types two codes in a row."""
    world.work()
    tomas = world.visitor("tomas")
    if not tomas.modals() or not has_field(tomas.modal(), ids.SECOND_CODE):
        close_all(world, "tomas")
        for offered in with_button(world, "tomas", ids.SET_UP)[-1:]:
            world.act(lambda card=offered: tomas.click(card, ids.SET_UP))
    if tomas.modals() and has_field(tomas.modal(), ids.SECOND_CODE):
        type_two_codes(world)


def type_two_codes(world: World) -> None:
    """What the phone shows, and what it shows next."""
    tomas = world.visitor("tomas")
    secret = secret_in(tomas.modal())
    phone = Phone(secret, world.clock)  # type: ignore[arg-type]
    world.secrets.texts.add(secret)
    first, second = phone.code(), phone.code()
    world.secrets.codes |= {first, second}
    tomas.fill((ids.CODE, first), (ids.SECOND_CODE, second))
    world.act(tomas.submit)
    close_all(world, "tomas")


def secret_in(modal: dict[str, Any]) -> str:
    """The base32 secret that stands in the modal."""
    words = screen.words(modal).replace("`", " ").replace("\n", " ").split(" ")
    groups = [word for word in words if len(word) == 4 and set(word) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")]
    return "".join(groups)


# --- how people do things --------------------------------------------------------------------------------


def card(world: World, who: str, request_id: str, channel: str | None) -> dict[str, Any]:
    """A request's card where they see it."""
    return next(m for m in reversed(world.visitor(who).messages(channel)) if mentions(m, request_id))


def click(world: World, who: str, note: str, action: str) -> None:
    """Press a button of a card as it was first seen."""
    world.act(lambda: world.visitor(who).click(world.notes[note], action))


def send_code(world: World, who: str) -> None:
    """Type a code into the modal that asks for one, if one does."""
    visitor = world.visitor(who)
    if visitor.modals() and has_field(visitor.modal(), ids.CODE):
        visitor.fill(code=world.code(who))
        world.act(visitor.submit)


def with_note(world: World, who: str, note: str, action: str) -> None:
    """Press a button that asks why, and say it."""
    visitor = world.visitor(who)
    if not visitor.modals():
        click(world, who, note, action)
    if visitor.modals() and has_field(visitor.modal(), ids.NOTE):
        visitor.fill(note="because of the incident")
        world.act(visitor.submit)


def with_button(world: World, who: str, action: str) -> list[dict[str, Any]]:
    """What the bot has told them that has this button now."""
    return [m for m in world.visitor(who).messages() if any(name == action for _, name in screen.usable(m))]


def close_all(world: World, who: str) -> None:
    """Close every modal."""
    visitor = world.visitor(who)
    while visitor.modals():
        visitor.close()


# --- the stories -----------------------------------------------------------------------------------------

ASKED = (ask, work, find_request)
ACTIVE = (*ASKED, approve, work, find_grant)
MESSAGES = (
    *(f"commit {what}" for what in ("claim chat", "chat.cards", "chat.home")),
    *(f"slack {what}" for what in ("chat.update", "views.publish", "conversations.open", "users.")),
)
"""How cards and pages are brought up to date."""
APPROVED = ("commit click request.approve", "commit submit approve.code", "slack views.open")
"""How somebody says yes."""
SIGNED_IN = ("aws GetCallerIdentity", "aws AssumeRole", "slack auth.test", "slack team.")
"""How a process begins to talk to AWS and to Slack."""
LOOKED = ("aws GetUser #", "aws List")
"""What is looked at before anybody is asked."""
LONGER = "/prodaccess longer payments-prod 30m the export has to be followed to its end"
HELD = (asking(LONGER), work, find_request, approve, work, find_told)
TWO = "/prodaccess ec2-restart payments-prod,payments-staging instance=i-0123456789abcdef0 1h the queue is stuck"
ASKED_FOR_TWO = (asking(TWO), work, find_request)
CARDS = ("commit chat.cards", "slack chat.update")
REMOVED = ("commit grant.converge", "aws DeleteUserPolicy", "aws GetUserPolicy", *CARDS, "slack chat.postMessage")

STORIES = (
    Story(
        "ask",
        steps=(ask, work),
        expects=(
            "commit command",
            "commit submit ask.confirm",
            "commit claim chat",
            "commit chat.cards",
            "slack views.open",
            "slack chat.postMessage",
            "slack views.publish",
            "aws AssumeRole",
            "aws GetUser",
        ),
        databases=("postgresql",),
        stops_at_start=True,
    ),
    Story(
        "grant",
        before=ASKED,
        steps=(approve, work),
        expects=(
            "commit click request.approve",
            "commit submit approve.code",
            "commit grant.start",
            "commit grant.converge",
            "aws PutUserPolicy",
            "slack chat.postMessage",
            *CARDS,
        ),
        ending=(use,),
    ),
    Story("release", before=ACTIVE, steps=(release, work), expects=("commit click grant.release", *REMOVED)),
    Story(
        "revoke",
        before=ACTIVE,
        steps=(revoke, work),
        expects=("commit submit revoke.note", *REMOVED),
        told_elsewhere=MESSAGES,
    ),
    Story(
        "expire",
        before=ACTIVE,
        steps=(later(minutes=50), work, later(minutes=10), work),
        expects=("commit chat.remind", "commit grant.expire", *REMOVED),
        told_elsewhere=MESSAGES,
    ),
    Story(
        "late",
        before=ACTIVE,
        steps=(later(hours=2), tick, work, tick, work),
        expects=("commit tick", "commit chat.overdue", "commit grant.expire", *REMOVED),
        databases=("postgresql",),
    ),
    Story(
        "extend",
        before=HELD,
        steps=(extend, work, find_extension, approve_extension, work, later(minutes=29), work),
        expects=(
            "commit click grant.extend",
            "commit submit extend.form",
            "commit click request.approve",
            "commit grant.start",
            "commit grant.expire",
            "aws PutUserPolicy",
            *REMOVED,
        ),
        told_elsewhere=(*MESSAGES, *SIGNED_IN, *LOOKED, "slack chat.postMessage"),
    ),
    Story(
        "several",
        before=ASKED_FOR_TWO,
        steps=(approve, work, find_told, release, work),
        expects=("commit submit approve.code", "commit grant.start", "aws PutUserPolicy", *REMOVED),
        told_elsewhere=(*MESSAGES, *APPROVED, *SIGNED_IN),
    ),
    Story(
        "deny",
        before=ASKED,
        steps=(deny, work),
        expects=("commit submit deny.note", "commit chat.tell", *CARDS),
        told_elsewhere=MESSAGES,
    ),
    Story(
        "cancel",
        before=ASKED,
        steps=(cancel, work),
        expects=("commit click request.cancel", *CARDS),
        databases=("sqlite",),
    ),
    Story(
        "lapse",
        before=ASKED,
        steps=(later(hours=4), work),
        expects=("commit request.lapse", *CARDS),
        databases=("postgresql",),
    ),
    Story(
        "enrol",
        steps=(enrol, work),
        expects=(
            "commit submit enrolment.form",
            "commit submit enrolment.vouch-code",
            "commit click enrolment.set-up",
            "commit submit enrolment.two-codes",
            "commit chat.enrolment",
            "slack views.open",
        ),
        enrolled=("sam",),
        databases=("postgresql",),
    ),
    Story(
        "without-slack",
        before=(*ACTIVE, slack_is_down),
        steps=(later(hours=1), work_without_slack),
        expects=("commit grant.expire", "commit grant.converge", "aws DeleteUserPolicy", "slack chat.update"),
        ending=(is_gone_without_slack, slack_is_up),
        databases=("sqlite",),
    ),
    Story(
        "shell",
        before=(*ACTIVE, slack_is_down),
        steps=(revoke_at_a_shell,),
        expects=("commit operator", "commit grant.converge", "aws DeleteUserPolicy", "aws GetUserPolicy"),
        ending=(is_gone_without_slack, slack_is_up),
        databases=("sqlite",),
    ),
    Story(
        "summary",
        before=(*ACTIVE, tick, work),
        steps=(later(days=1), tick, work, tick, work),
        expects=("commit chat.summary", "commit tick", "slack chat.postMessage"),
        databases=("postgresql",),
    ),
    *(
        Story(
            f"{name}-{'paused' if paused else 'replicas'}",
            before=before,
            steps=steps,
            expects=expects,
            replicas=2,
            databases=("postgresql",),
            paused=paused,
        )
        for name, before, steps, expects in (
            ("grant", ASKED, (approve, work), ("aws PutUserPolicy", "slack chat.update")),
            ("release", ACTIVE, (release, work), ("aws DeleteUserPolicy", "slack chat.update")),
        )
        for paused in (False, True)
    ),
)
