"""Modals and Home tabs: each person's stack of views, and what happens to what was typed into them."""

from __future__ import annotations

import secrets
from copy import deepcopy
from dataclasses import asdict

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError, invalid_arguments
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.limits import check_view, view_too_large
from bot.sandbox.slack.live import Live
from bot.sandbox.slack.model import View, Wire, all_options, elements_of, offered, page_view, with_ids

DEEPEST = 3
"""Views in one stack, the first included (docs.slack.dev, views.push)."""

Typed = dict[str, dict[str, Json]]


def checked(body: Json, kind: str) -> Json:
    """The view as it will be kept.

    Raises:
        SlackError: `view_too_large`, or `invalid_arguments` with every problem.
    """
    if view_too_large(body):
        raise SlackError("view_too_large")
    problems = check_view(body)
    if not problems and body["type"] != kind:
        problems = [f"must be a valid enum value: {kind} [json-pointer:/view/type]"]
    if problems:
        raise invalid_arguments(problems)
    return {**body, "blocks": with_ids(body["blocks"])}


class Views:
    def __init__(self, wire: Wire, live: Live, clock: Clock) -> None:
        self._wire = wire
        self._live = live
        self._clock = clock
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> list[View]:
        return self._stacks.setdefault(user, [])

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def modal(self, user: str, view_id: str) -> View:
        """A modal that this person has open.

        Raises:
            SlackError: `not_found`.
        """
        for view in self.stack(user):
            if view.id == view_id:
                return view
        raise SlackError("not_found")

    def look_up(self, view_id: str | None, external_id: str | None) -> View:
        """An open modal or a Home tab, by id or by the app's own id.

        Raises:
            SlackError: `not_found`.
        """
        for view in self._all():
            if (view_id and view.id == view_id) or (external_id and view.body.get("external_id") == external_id):
                return view
        raise SlackError("not_found")

    def open(self, user: str, body: Json) -> View:
        """Start a new stack with this modal; one that was open is gone."""
        view = self._made(user, checked(body, "modal"))
        self._stacks[user] = [view]
        self._show(user)
        return view

    def push(self, user: str, body: Json) -> View:
        """Put a modal on top of those that are open.

        Raises:
            SlackError: `not_found` with none open, `push_limit_reached` on the fourth.
        """
        stack = self.stack(user)
        kept = checked(body, "modal")
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= DEEPEST:
            raise SlackError("push_limit_reached")
        view = self._made(user, kept)
        view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        self._show(user)
        return view

    def update(self, view: View, body: Json, expected_hash: str | None = None) -> None:
        """Replace what a view shows; typed values stay where block and action id and element type do.

        Raises:
            SlackError: `hash_conflict`, `duplicate_external_id`, or what `checked` raises.
        """
        kept = checked(body, str(view.body["type"]))
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        self._refuse_taken(kept, view)
        view.typed = _still_there(view.typed, kept)
        view.once_offered += offered(view.body["blocks"])
        view.body = kept
        view.hash = self._new_hash()
        self._show(view.user)

    def publish(self, user: str, body: Json, expected_hash: str | None) -> View:
        """Set a person's Home tab.

        Raises:
            SlackError: `hash_conflict`, or what `checked` raises.
        """
        kept = checked(body, "home")
        before = self._homes.get(user)
        if before is not None and expected_hash and expected_hash != before.hash:
            raise SlackError("hash_conflict")
        view = self._made(user, kept, replacing=before)
        if before is not None:
            view.id = view.root_id = before.id
            view.once_offered = before.once_offered + offered(before.body["blocks"])
        self._homes[user] = view
        self._live.publish([user], {"type": "home", "view": page_view(self._wire.view(view))})
        return view

    def close(self, user: str, view: View) -> list[View]:
        """Take a view, and whatever lies on top of it, off the stack; returns what went, top first."""
        stack = self.stack(user)
        index = next((at for at, other in enumerate(stack) if other.id == view.id), len(stack))
        gone = stack[index:]
        del stack[index:]
        self._show(user)
        return gone[::-1]

    def clear(self, user: str) -> list[View]:
        gone = self.stack(user)[::-1]
        self._stacks[user] = []
        self._show(user)
        return gone

    def keep_typed(self, view: View, state: Json | None) -> None:
        """Remember what the person's client says stands in the inputs."""
        values = (state or {}).get("values")
        if isinstance(values, dict):
            merged = {block: {**view.typed.get(block, {}), **typed} for block, typed in values.items()}
            view.typed = _still_there({**view.typed, **merged}, view.body)

    def page_modals(self, user: str) -> list[Json]:
        return [page_view(self._wire.view(view)) for view in self.stack(user)]

    def _made(self, user: str, body: Json, replacing: View | None = None) -> View:
        self._refuse_taken(body, replacing)
        view_id = new_id("V")
        return View(view_id, user, self._new_hash(), body, root_id=view_id, typed=_initial(body))

    def _refuse_taken(self, body: Json, own: View | None) -> None:
        external_id = body.get("external_id")
        if external_id and any(v.body.get("external_id") == external_id for v in self._all() if v is not own):
            raise SlackError("duplicate_external_id")

    def _all(self) -> list[View]:
        return [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())

    def _new_hash(self) -> str:
        return f"{int(self._clock.now())}.{secrets.token_urlsafe(6)}"

    def _show(self, user: str) -> None:
        self._live.publish([user], {"type": "modals", "modals": self.page_modals(user)})

    def snapshot(self) -> list[Json]:
        """The Home tabs; open modals do not outlive a session."""
        return [asdict(view) for view in self._homes.values()]

    def restore(self, saved: list[Json]) -> None:
        self._stacks = {}  # a modal does not outlive the session that it was opened in
        self._homes = {entry["user"]: View(**entry) for entry in saved}


_INITIAL = {
    "initial_value": "value",
    "initial_option": "selected_option",
    "initial_options": "selected_options",
    "initial_date": "selected_date",
    "initial_time": "selected_time",
    "initial_date_time": "selected_date_time",
    "initial_user": "selected_user",
    "initial_users": "selected_users",
    "initial_conversation": "selected_conversation",
    "initial_conversations": "selected_conversations",
    "initial_channel": "selected_channel",
    "initial_channels": "selected_channels",
}
_EMPTY: dict[str, Json] = {
    "checkboxes": {"selected_options": []},
    "multi_static_select": {"selected_options": []},
    "multi_external_select": {"selected_options": []},
    "static_select": {"selected_option": None},
    "external_select": {"selected_option": None},
    "radio_buttons": {"selected_option": None},
    "datepicker": {"selected_date": None},
    "timepicker": {"selected_time": None},
    "datetimepicker": {"selected_date_time": None},
    "users_select": {"selected_user": None},
    "multi_users_select": {"selected_users": []},
    "channels_select": {"selected_channel": None},
    "multi_channels_select": {"selected_channels": []},
    "conversations_select": {"selected_conversation": None},
    "multi_conversations_select": {"selected_conversations": []},
}


def stateful(body: Json) -> dict[tuple[str, str], Json]:
    """The elements that hold a value, by block and action id."""
    found = elements_of(body.get("blocks", []))
    return {ids: element for ids, element in found.items() if element["type"] not in {"button", "overflow"}}


def empty_value(element: Json) -> Json:
    """What the state says of an element that nothing was put into, its initial value aside."""
    return {"type": element["type"], **_EMPTY.get(element["type"], {"value": None})}


def _initial(body: Json) -> Typed:
    typed: Typed = {}
    for (block_id, action_id), element in stateful(body).items():
        value = empty_value(element)
        for name, becomes in _INITIAL.items():
            if element.get(name) is not None:
                value[becomes] = deepcopy(element[name])
        typed.setdefault(block_id, {})[action_id] = value
    return typed


def _still_there(typed: Typed, body: Json) -> Typed:
    """The values of what stands in the view now: as typed where it stood before, else as at first."""
    kept = _initial(body)
    for (block_id, action_id), element in stateful(body).items():
        value = typed.get(block_id, {}).get(action_id) if isinstance(typed.get(block_id), dict) else None
        if isinstance(value, dict) and _fits(element, value):
            kept[block_id][action_id] = {"type": element["type"], **value, **_nothing_for_empty(value)}
    return kept


def _fits(element: Json, value: Json) -> bool:
    """Whether a value can stand in this element: the same kind, and a choice that is still offered."""
    if value.get("type", element["type"]) != element["type"]:
        return False
    chosen = value.get("selected_options") or [value.get("selected_option")]
    offered_values = {option["value"] for option in all_options(element)}
    known = not offered_values or all(o is None or o.get("value") in offered_values for o in chosen)
    return bool(known)


def _nothing_for_empty(value: Json) -> Json:
    """An input that was emptied is sent as null."""
    return {"value": None} if value.get("value") == "" else {}
