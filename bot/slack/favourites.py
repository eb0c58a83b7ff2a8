"""Favourites on the Home tab: kept, taken away, asked for."""

from bot.core.decisions import Refusal
from bot.slack import asking
from bot.slack import blocks as b
from bot.slack.form import Form
from bot.slack.home import home
from bot.slack.payloads import Click
from bot.slack.replies import Caller, Publish, Replies, tell

GONE = "This favourite is not there any more."


def keep(caller: Caller, click: Click) -> Replies:
    """What was asked for in a request of theirs."""
    kept = caller.desk.favourites.keep(click.value, caller.person)
    told = (tell(f"⚠️ {b.esc(kept.text)}"),) if isinstance(kept, Refusal) else ()
    return (*told, _page(caller))


def forget(caller: Caller, click: Click) -> Replies:
    """One that is not wanted any more; a second press changes nothing."""
    caller.desk.favourites.forget(click.value, caller.person)
    return (_page(caller),)


def ask(caller: Caller, click: Click) -> Replies:
    """The form, filled in. It is sent with a code like any other."""
    found = caller.desk.favourites.ask(click.value, caller.person)
    return asking.open_form(caller, Form.of(found)) if found else (tell(GONE), _page(caller))


def _page(caller: Caller) -> Publish:
    return Publish(home(caller.desk.queries.home(caller.person)))
