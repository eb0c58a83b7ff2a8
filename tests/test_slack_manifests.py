"""The Slack app's manifests: valid, alike but for the transport, and no scope that is not needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parent.parent / "manifests" / "slack"
URL = "https://prodaccess.example.com/slack/events"
SCOPE_OF_EVENT = {"app_home_opened": None, "subteam_members_changed": "usergroups:read", "user_change": "users:read"}
"""What Slack wants for each event (docs.slack.dev/reference/events)."""
LIMITS = {"name": 35, "description": 140}
"""docs.slack.dev/reference/app-manifest"""


def manifest(transport: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"manifest.{transport}.yaml").read_text())
    return loaded


def without_transport(value: Any) -> Any:
    """A manifest without its URLs and the switch of Socket Mode."""
    if isinstance(value, dict):
        return {
            key: without_transport(each) for key, each in value.items() if each != URL and key != "socket_mode_enabled"
        }
    return [without_transport(each) for each in value] if isinstance(value, list) else value


def test_both_are_alike_but_for_the_transport() -> None:
    socket, http = manifest("socket"), manifest("http")
    assert without_transport(socket) == without_transport(http)
    assert (socket["settings"]["socket_mode_enabled"], http["settings"]["socket_mode_enabled"]) == (True, False)


def test_slack_is_given_an_address_for_everything_it_calls_over_http_and_for_nothing_else() -> None:
    http = manifest("http")
    settings = http["settings"]
    assert settings["interactivity"]["request_url"] == URL
    assert settings["interactivity"]["message_menu_options_url"] == URL
    assert settings["event_subscriptions"]["request_url"] == URL
    assert http["features"]["slash_commands"][0]["url"] == URL
    assert "http" not in yaml.safe_dump(manifest("socket"))


@pytest.mark.parametrize("transport", ["socket", "http"])
def test_it_is_what_slack_takes(transport: str) -> None:
    found = manifest(transport)
    assert found.keys() == {"display_information", "features", "oauth_config", "settings"}
    for key, limit in LIMITS.items():
        assert len(found["display_information"][key]) <= limit
    assert re.fullmatch("#[0-9a-f]{6}", found["display_information"]["background_color"])
    (command,) = found["features"]["slash_commands"]
    assert command["command"] == "/prodaccess"
    assert command["should_escape"] is False
    home = found["features"]["app_home"]
    assert (home["home_tab_enabled"], home["messages_tab_read_only_enabled"]) == (True, False)
    assert found["settings"]["interactivity"]["is_enabled"] is True


@pytest.mark.parametrize("transport", ["socket", "http"])
def test_the_scopes_are_the_least_that_the_bot_needs(transport: str) -> None:
    found = manifest(transport)
    scopes = found["oauth_config"]["scopes"]
    assert scopes == {
        "bot": [
            "channels:history",
            "chat:write",
            "commands",
            "groups:history",
            "im:history",
            "im:write",
            "usergroups:read",
            "users.profile:read",
            "users:read",
            "users:read.email",
        ]
    }
    for event in found["settings"]["event_subscriptions"]["bot_events"]:
        scope = SCOPE_OF_EVENT[event]
        assert scope is None or scope in scopes["bot"]
