"""Any environment: settings, or every problem by the name of its variable and without a secret."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.settings import PREFIX, SECRETS, VARIABLES, Settings, SettingsError
from tests.fuzz.mutations import ODD_TEXTS, fuzzed

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-1-secret",
    "SLACK_APP_TOKEN": "xapp-1-secret",
    "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "SLACK_TRANSPORT": "socket",
    "SLACK_BASE_URL": "https://slack.com/api/",
    "SLACK_TEAM": "T0123",
    "DATABASE_URL": "postgresql://bot:hunter2@db/prodaccess",
    "CATALOGUE": "access.yaml",
    "KEYS": "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "HTTP_HOST": "127.0.0.1",
    "HTTP_PORT": "8080",
    "PUBLIC_URL": "https://prodaccess.example",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "info",
    "WORKERS": "4",
    "SOURCE_PAYMENTS_ONCALL_TOKEN": "u+a-secret-token",
    "SOURCE_PAYMENTS_ONCALL_HOST": "jira.example:8443",
}
NAMES = st.one_of(
    st.sampled_from(sorted(VARIABLES | {f"{name}_FILE" for name in SECRETS})),
    st.sampled_from(["SOURCE_PAYMENTS_ONCALL_TOKEN", "SOURCE_X_TOKEN_FILE", "SOURCE__TOKEN", "SOURCE_X_HOST"]),
    st.sampled_from(["", "_FILE", "KEYS_FILE_FILE", "SLACK_BOT_TOKEN ", "keys", "WORKERS_FILE", "X" * 300, "É"]),
)
VALUES = st.one_of(
    st.sampled_from([text for text in ODD_TEXTS if "\x00" not in text]),  # no environment holds a NUL
    st.sampled_from(
        [
            "/",
            "/dev/null",
            "/proc/self/mem",
            "/nonexistent/file",
            "http://[::1",
            "http://[::1]:99999/",
            "https://user:a-password@host/",
            "//host",
            "https://",
            "http://127.1/",
            "sqlite://",
            "postgresql://",
            "k1:",
            ":AAAA",
            "k1:AAAA,k1:AAAA",
            "k1:" + "A" * 44,
            "k1:é" + "A" * 42,
            "٣",
            "²",
            "0" * 9 + "8",
            "::ffff:127.0.0.1",
            "fe80::1%eth0",
        ]
    ),
    st.text(st.characters(exclude_characters="\x00"), max_size=60),
)


def test_the_good_ones_are_settings() -> None:
    assert Settings.from_env({PREFIX + name: value for name, value in GOOD.items()}).workers == 4


@fuzzed(400)
@given(
    changes=st.dictionaries(NAMES, VALUES, max_size=4),
    dropped=st.sets(st.sampled_from(sorted(GOOD)), max_size=3),
    slack=st.booleans(),
    keys=st.booleans(),
)
def test_an_environment_is_settings_or_a_list_of_problems(
    changes: dict[str, str], dropped: set[str], slack: bool, keys: bool
) -> None:
    wanted = {name: value for name, value in GOOD.items() if name not in dropped} | changes
    environment = {PREFIX + name: value for name, value in wanted.items()}
    read = read_from(environment, slack=slack, keys=keys)
    if isinstance(read, SettingsError):
        assert read.problems
        assert all(problem.startswith(PREFIX) for problem in read.problems), read.problems
        secrets = {GOOD[name] for name in SECRETS - set(changes)} | {"hunter2"}
        assert not [secret for secret in secrets if secret in str(read)]
        return
    assert isinstance(read.catalogue, Path)
    assert 0 <= read.http_port <= 65535
    assert 1 <= read.workers <= 64
    assert read.slack_base_url.endswith("/")
    assert read.keys or not keys
    assert "1-secret" not in repr(read)
    assert "hunter2" not in repr(read)
    assert "u+a-secret" not in repr(read)


def read_from(environment: dict[str, str], *, slack: bool, keys: bool) -> Settings | SettingsError:
    try:
        return Settings.from_env(environment, slack=slack, keys=keys)
    except SettingsError as error:
        return error
