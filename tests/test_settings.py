import base64
import pickle
import re
from pathlib import Path

import pytest

from bot.settings import SECRETS, SOURCE_HOST, SOURCE_TOKEN, VARIABLES, Secret, Settings, SettingsError, Transport

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()
SOCKET = {
    "PRODACCESS_SLACK_BOT_TOKEN": "xoxb-1-2-abc",
    "PRODACCESS_SLACK_APP_TOKEN": "xapp-1-A-2-def",
    "PRODACCESS_KEYS": f"k1:{KEY}",
}
ROOT = Path(__file__).parent.parent


def problems(environ: dict[str, str], *, slack: bool = True, keys: bool = True) -> str:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env(environ, slack=slack, keys=keys)
    return str(refusal.value)


def test_socket_mode_needs_two_tokens_and_a_key_and_nothing_else() -> None:
    settings = Settings.from_env(SOCKET)
    assert settings.slack_transport is Transport.SOCKET
    assert settings.slack_bot_token.reveal() == "xoxb-1-2-abc"
    assert settings.slack_base_url == "https://slack.com/api/"
    assert settings.database_url.reveal() == "sqlite:///prodaccess.db"
    assert settings.keys[0].key == bytes(range(32))
    assert (settings.http_host, settings.http_port, settings.workers) == ("127.0.0.1", 8080, 4)


def test_variables_of_others_and_the_locale_are_left_alone() -> None:
    assert Settings.from_env({**SOCKET, "PATH": "/bin", "AWS_PROFILE": "x"}) == Settings.from_env(SOCKET)


def test_every_problem_is_told_at_once() -> None:
    text = problems({"PRODACCESS_HTTP_PORT": "eighty", "PRODACCESS_LOG_LEVEL": "loud", "PRODACCESS_WORKERS": "0"})
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KEYS", "HTTP_PORT", "LOG_LEVEL", "WORKERS"):
        assert f"PRODACCESS_{name} " in text
    assert "SLACK_SIGNING_SECRET" not in text
    assert text.startswith("6 problems")


def test_http_needs_the_signing_secret_instead_of_the_app_token() -> None:
    environ = {**SOCKET, "PRODACCESS_SLACK_TRANSPORT": "http"}
    del environ["PRODACCESS_SLACK_APP_TOKEN"]
    assert "PRODACCESS_SLACK_SIGNING_SECRET is missing" in problems(environ)
    settings = Settings.from_env({**environ, "PRODACCESS_SLACK_SIGNING_SECRET": "0123456789abcdef" * 2})
    assert settings.slack_transport is Transport.HTTP


def test_a_command_that_needs_no_slack_runs_without_its_tokens() -> None:
    settings = Settings.from_env({}, slack=False, keys=False)
    assert not settings.slack_bot_token
    assert settings.keys == ()
    assert "SLACK_BOT_TOKEN" in problems({"PRODACCESS_SLACK_BOT_TOKEN": "xoxp-user"}, slack=False, keys=False)


def test_secrets_can_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"k2:{OTHER_KEY},\nk1:{KEY}\n")
    environ = {**SOCKET, "PRODACCESS_KEYS_FILE": str(tmp_path / "keys")}
    del environ["PRODACCESS_KEYS"]
    assert [key.id for key in Settings.from_env(environ).keys] == ["k2", "k1"]


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"PRODACCESS_KEYS_FILE": "/x"}, "is given beside PRODACCESS_KEYS; keep one"),
        ({"PRODACCESS_DATABASE_URL_FILE": "/nowhere/at/all"}, "DATABASE_URL_FILE cannot be read: No such file"),
        ({"PRODACCESS_HTTP_PROT": "80"}, "PRODACCESS_HTTP_PROT is no setting; did you mean PRODACCESS_HTTP_PORT?"),
        ({"PRODACCESS_LOG_LEVEL_FILE": "/x"}, "PRODACCESS_LOG_LEVEL_FILE is no setting"),
        ({"PRODACCESS_SLACK_TRANSPORT": "smoke"}, "is 'smoke'; it has to be socket or http"),
        ({"PRODACCESS_SLACK_TEAM": "acme"}, "a team id"),
        ({"PRODACCESS_SLACK_BASE_URL": "http://slack.example.com/api"}, "is not https"),
        ({"PRODACCESS_SLACK_BASE_URL": "slack.com"}, "is not a URL"),
        ({"PRODACCESS_SLACK_BASE_URL": "https://[::1/api"}, "is not a URL"),
        ({"PRODACCESS_PUBLIC_URL": "https://me:pw@example.com"}, "carries credentials"),
        ({"PRODACCESS_AWS_ENDPOINT_URL": "https://aws.example.com"}, "is not on this machine"),
        ({"PRODACCESS_DATABASE_URL": "mysql://root@db/x"}, "DATABASE_URL is not a database"),
        ({"PRODACCESS_HTTP_HOST": "example.com"}, "has to be an IP address"),
        ({"PRODACCESS_HTTP_PORT": "65536"}, "a whole number from 0 to 65535"),
        ({"PRODACCESS_HTTP_PORT": "８０"}, "a whole number from 0 to 65535"),
        ({"PRODACCESS_KEYS": KEY}, "is not a list of id:key"),
        ({"PRODACCESS_KEYS": "k1:c2hvcnQ="}, "a key “k1” that is not 32 random bytes"),
        ({"PRODACCESS_KEYS": "k1:" + base64.b64encode(bytes(32)).decode()}, "not 32 random bytes"),
        ({"PRODACCESS_KEYS": f"k1:{KEY},k1:{OTHER_KEY}"}, "two keys the same id"),
        ({"PRODACCESS_SOURCE_JIRA_TOKEN": "two words\nand more"}, "PRODACCESS_SOURCE_JIRA_TOKEN is not a token"),
        ({"PRODACCESS_SOURCE_JIRA_TOKEN_FILE": "/nowhere"}, "SOURCE_JIRA_TOKEN_FILE cannot be read"),
        ({"PRODACCESS_SOURCE_JIRA_TOKENS": "abcdefgh"}, "is no setting"),
        ({"PRODACCESS_SOURCE_TOKEN": "abcdefgh"}, "is no setting"),
        ({"PRODACCESS_SOURCE_JIRA_HOST": "acme.example"}, "is of no use without PRODACCESS_SOURCE_JIRA_TOKEN"),
        ({"PRODACCESS_SOURCE_JIRA_HOST": "https://acme.example"}, "PRODACCESS_SOURCE_JIRA_HOST is not a host"),
        ({"PRODACCESS_SOURCE_JIRA_HOST_FILE": "/x"}, "is no setting"),
    ],
)
def test_a_wrong_value_is_refused_with_its_variable_and_the_fix(extra: dict[str, str], says: str) -> None:
    text = problems({**SOCKET, **extra})
    assert says in text
    assert text.startswith("1 problem in")


def test_no_secret_is_shown_by_settings_or_their_problems() -> None:
    environ = {
        "PRODACCESS_SLACK_BOT_TOKEN": "xoxb-hidden-one",
        "PRODACCESS_SLACK_APP_TOKEN": "xapp-hidden-two",
        "PRODACCESS_SLACK_SIGNING_SECRET": "deadbeef" * 4,
        "PRODACCESS_DATABASE_URL": "postgresql://bot:hidden-three@db/x",
        "PRODACCESS_KEYS": f"k1:{KEY}",
        "PRODACCESS_SOURCE_PAYMENTS_ONCALL_TOKEN": "hidden-five",
    }
    settings = Settings.from_env(environ)
    shown = f"{settings!r} {settings} {settings.keys}"
    wrong = problems({name: "hidden four " + value for name, value in environ.items()})
    for hidden in ("hidden", "deadbeef", KEY, repr(bytes(range(32)))):
        assert hidden not in shown
        assert hidden not in wrong
    assert wrong.startswith("6 problems")


def test_each_source_has_a_token_of_its_own_which_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "jira").write_text("bot@example.com:ATATT3-of-jira\n")
    environ = {
        "PRODACCESS_SOURCE_PAYMENTS_ONCALL_TOKEN": "of-the-schedule",
        "PRODACCESS_SOURCE_JIRA_TOKEN_FILE": str(tmp_path / "jira"),
        "PRODACCESS_SOURCE_GITHUB_TOKEN": "",
    }
    tokens = Settings.from_env({**SOCKET, **environ}).source_tokens
    assert {name: token.reveal() for name, token in tokens.items()} == {
        "PAYMENTS_ONCALL": "of-the-schedule",
        "JIRA": "bot@example.com:ATATT3-of-jira",
    }
    assert Settings.from_env(SOCKET).source_tokens == {}


def test_the_host_that_a_token_may_go_to_stands_beside_it() -> None:
    environ = {"PRODACCESS_SOURCE_JIRA_TOKEN": "bot@example.com:ATATT3", "PRODACCESS_SOURCE_JIRA_HOST": "acme.example"}
    assert Settings.from_env({**SOCKET, **environ}).source_hosts == {"JIRA": "acme.example"}
    for good in ("jira.example.com:8443", "127.0.0.1:80", "[::1]:8080"):
        Settings.from_env({**SOCKET, **environ, "PRODACCESS_SOURCE_JIRA_HOST": good})


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hush")
    assert [f"{secret}", f"{secret!r}", "%s" % secret] == ["Secret(…)"] * 3  # noqa: UP031
    assert secret == Secret("hush")
    assert secret != Secret("other")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


def test_the_example_explains_every_variable_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text()
    named = re.findall(r"^#?PRODACCESS_([A-Z_]+)=", text, re.MULTILINE)
    of_sources = [name for name in named if SOURCE_TOKEN.fullmatch(name) or SOURCE_HOST.fullmatch(name)]
    assert sorted(set(named) - set(of_sources)) == sorted(VARIABLES)
    assert len(named) == len(VARIABLES) + len(of_sources) == len(VARIABLES) + 2
    for block in text.split("\n\n"):
        if assignment := re.search(r"^#?PRODACCESS_([A-Z_]+)=", block, re.MULTILINE):
            assert re.match(r"# \w", block), f"{assignment[1]} is not explained"
            is_secret = assignment[1] in SECRETS or SOURCE_TOKEN.fullmatch(assignment[1]) is not None
            assert ("Secret" in block) == is_secret


def test_the_defaults_in_the_example_are_the_real_ones() -> None:
    text = (ROOT / ".env.example").read_text()
    defaults = dict(re.findall(r"^#(PRODACCESS_[A-Z_]+)=(.+)$", text, re.MULTILINE))
    assert Settings.from_env({**SOCKET, **defaults}) == Settings.from_env(SOCKET)


def test_every_variable_is_read() -> None:
    wrong = {f"PRODACCESS_{name}": "\x7f not right \x7f" for name in VARIABLES - {"CATALOGUE"}}
    text = problems(wrong)
    assert {name for name in VARIABLES if f"PRODACCESS_{name} " in text} == VARIABLES - {"CATALOGUE"}
    assert Settings.from_env({**SOCKET, "PRODACCESS_CATALOGUE": "/etc/x.yaml"}).catalogue == Path("/etc/x.yaml")
