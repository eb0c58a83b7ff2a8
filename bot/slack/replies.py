"""What a handler wants people to see. Handlers are plain functions that return these; the edge carries them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.core.audit import Actor, ActorKind
from bot.core.model import Person
from bot.service.desk import Desk
from bot.slack.blocks import Json, Message, message, section
from bot.slack.payloads import Click, Line, Lookup, Submitted


@dataclass(frozen=True, slots=True)
class Open:
    """A new modal, on top of the one that was acted in, if any."""

    view: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replace:
    """Put this in the modal that was acted in."""

    view: Json = field(repr=False)
    seen: str = ""
    """The hash of what it showed when it was acted in; where somebody has acted in it since, this is out of date."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Say it to the person who acted, and to nobody else."""

    message: Message


@dataclass(frozen=True, slots=True)
class Refresh:
    """Make the message that was acted in show this."""

    message: Message


@dataclass(frozen=True, slots=True)
class Publish:
    """Set the person's Home tab."""

    view: Json = field(repr=False)


Reply = Open | Replace | Tell | Refresh | Publish
Replies = tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a submitted modal is answered with, within Slack's 3 s; ``then`` runs after it and may take longer.

    Without errors, ``push`` or ``update`` every modal closes.
    """

    errors: Mapping[str, str] = field(default_factory=dict)
    """Sentences by block id; the modal stays as it is."""
    push: Json | None = field(default=None, repr=False)
    update: Json | None = field(default=None, repr=False)
    then: Callable[[], Replies] | None = None

    def body(self) -> Json:
        """As Slack takes it."""
        if self.errors:
            return {"response_action": "errors", "errors": dict(self.errors)}
        if self.push is not None:
            return {"response_action": "push", "view": self.push}
        if self.update is not None:
            return {"response_action": "update", "view": self.update}
        return {"response_action": "clear"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, as the directory and the catalogue know them."""

    desk: Desk
    person: Person
    chat_id: str

    @property
    def actor(self) -> Actor:
        """For the audit log."""
        return Actor(ActorKind.PERSON, self.person.id, "slack", self.chat_id)


OnLine = Callable[[Caller, Line], Replies]
OnClick = Callable[[Caller, Click], Replies]
OnSubmit = Callable[[Caller, Submitted], Answer]
OnHome = Callable[[Caller], Json]
OnLookup = Callable[[Caller, Lookup], list[Json]]


def tell(text: str, *blocks: Json) -> Tell:
    """Safe mrkdwn, and what goes with it."""
    return Tell(message(text, [section(text), *blocks]))
