"""Sessions: who the bot says it is, how seldom it asks, and that nobody waits for another account."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Account
from bot.providers.aws_clients import AwsClients, session_name
from bot.sandbox.aws import isolated_session
from bot.service.records import CloudError
from tests.providers.scripted_aws import BOT_ARN, ScriptedAws, error, scripted_aws

PROD = Account(
    id="payments-prod",
    title="Payments",
    number="111111111111",
    broker_role="arn:aws:iam::111111111111:role/prodaccess-broker",
    external_id="external-1",
)
DATA = Account(
    id="data-prod", title="Data", number="333333333333", broker_role="arn:aws:iam::333333333333:role/prodaccess-broker"
)


class HandClock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def aws() -> Iterator[ScriptedAws]:
    with scripted_aws() as aws:
        yield aws


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def clients(aws: ScriptedAws, clock: HandClock) -> AwsClients:
    return AwsClients(isolated_session("AKIABOT", "bot-secret"), endpoint_url=aws.url, now=clock)


def test_after_a_reload_an_account_s_session_is_not_that_of_the_account_that_had_its_id(
    aws: ScriptedAws, clients: AwsClients
) -> None:
    moved = replace(PROD, number="222222222222", broker_role="arn:aws:iam::222222222222:role/broker")
    for account in (PROD, moved, PROD, moved):
        clients.iam(account)
    assert [call["RoleArn"] for call in aws.asked("AssumeRole")] == [PROD.broker_role, moved.broker_role]


def test_a_grants_session_names_the_grant_and_the_person(aws: ScriptedAws, clients: AwsClients) -> None:
    clients.iam(PROD, person="maya", grant_id="g123")
    (call,) = aws.asked("AssumeRole")
    assert call["RoleArn"] == PROD.broker_role
    assert call["RoleSessionName"] == "prodaccess-g123"
    assert call["SourceIdentity"] == "maya"
    assert call["ExternalId"] == "external-1"


def test_background_work_shares_one_session_an_account(aws: ScriptedAws, clients: AwsClients) -> None:
    assert len({id(clients.iam(PROD)) for _ in range(100)}) == 1
    clients.iam(DATA)
    first, second = aws.asked("AssumeRole")
    assert (first["RoleSessionName"], first["SourceIdentity"]) == ("prodaccess-broker", "prodaccess")
    assert second["RoleArn"] == DATA.broker_role
    assert "ExternalId" not in second


def test_a_session_is_renewed_before_it_expires(aws: ScriptedAws, clients: AwsClients, clock: HandClock) -> None:
    clients.iam(PROD)
    clock.at += timedelta(minutes=54)
    clients.iam(PROD)
    assert len(aws.asked("AssumeRole")) == 1
    clock.at += timedelta(minutes=2)
    clients.iam(PROD)
    assert len(aws.asked("AssumeRole")) == 2


def test_many_threads_that_need_one_session_ask_for_it_once(aws: ScriptedAws, clients: AwsClients) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: clients.iam(PROD), range(64)))
    assert len(aws.asked("AssumeRole")) == 1
    assert len({id(client) for client in made}) == 1


def test_those_who_wait_for_a_session_that_fails_share_the_failure(aws: ScriptedAws, clients: AwsClients) -> None:
    waiting = threading.Barrier(8)
    aws.answer("AssumeRole", *[error("Throttling", 400)] * 40)
    asked = threading.Event()

    def hold(call: dict[str, str]) -> None:
        if call["Action"] == "AssumeRole":
            asked.wait(5)

    aws.before = hold

    def ask(_: int) -> bool:
        waiting.wait()
        with pytest.raises(CloudError) as failure:
            clients.iam(PROD)
        return failure.value.passing

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in range(8)]
        threading.Timer(0.3, asked.set).start()
        assert all(answer.result() for answer in answers)
    assert len(aws.asked("AssumeRole")) <= 4, "one attempt of two tries, and at most one by a latecomer"


def test_an_account_that_hangs_does_not_hold_up_another(aws: ScriptedAws, clients: AwsClients) -> None:
    hanging, freed = threading.Event(), threading.Event()

    def hang(call: dict[str, str]) -> None:
        if call.get("RoleArn") == PROD.broker_role:
            hanging.set()
            freed.wait(10)

    aws.before = hang
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(clients.iam, PROD)
        try:
            assert hanging.wait(5)
            clients.iam(DATA)
            assert not slow.done()
        finally:
            freed.set()
        slow.result()


def test_sessions_for_grants_are_bounded(aws: ScriptedAws, clients: AwsClients) -> None:
    for number in range(70):
        clients.iam(PROD, person="maya", grant_id=f"g{number}")
    clients.iam(PROD, person="maya", grant_id="g69")
    assert len(aws.asked("AssumeRole")) == 70
    clients.iam(PROD, person="maya", grant_id="g0")
    assert len(aws.asked("AssumeRole")) == 71


def test_forgetting_an_account_makes_a_new_session_for_it_alone(aws: ScriptedAws, clients: AwsClients) -> None:
    clients.iam(PROD)
    clients.iam(DATA)
    clients.forget(PROD)
    clients.iam(PROD)
    clients.iam(DATA)
    assert [call["RoleArn"] for call in aws.asked("AssumeRole")] == [
        PROD.broker_role,
        DATA.broker_role,
        PROD.broker_role,
    ]


def test_a_refused_assume_role_says_which_role_where_and_what_to_fix(aws: ScriptedAws, clients: AwsClients) -> None:
    aws.answer("AssumeRole", error("AccessDenied", 403, f"User: {BOT_ARN} is not authorized"))
    with pytest.raises(CloudError) as failure:
        clients.iam(PROD)
    text = str(failure.value)
    assert not failure.value.passing
    for part in (PROD.broker_role, "Payments (111111111111)", "trust policy", "external_id", "sts:SetSourceIdentity"):
        assert part in text
    assert "external-1" not in text


def test_a_broker_role_of_another_account_is_not_even_tried(aws: ScriptedAws, clients: AwsClients) -> None:
    with pytest.raises(CloudError, match="not in that account"):
        clients.iam(replace(PROD, broker_role=DATA.broker_role))
    assert not aws.calls


def test_without_a_broker_role_the_bots_own_account_must_be_the_one_meant(
    aws: ScriptedAws, clients: AwsClients
) -> None:
    with pytest.raises(CloudError, match="credentials are for account 999999999999"):
        clients.iam(replace(PROD, broker_role=""))
    clients.iam(replace(PROD, broker_role="", number="999999999999"))
    assert not aws.asked("AssumeRole")


def test_a_bot_without_credentials_is_told_so(aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CloudError, match="no AWS credentials") as failure:
        AwsClients(isolated_session(), endpoint_url=aws.url).iam(PROD)
    assert not failure.value.passing


@given(st.text(max_size=200))
def test_any_person_id_becomes_a_name_that_aws_takes(text: str) -> None:
    name = session_name(text)
    assert 2 <= len(name) <= 64
    assert all(character.isascii() and (character.isalnum() or character in "_+=,.@-") for character in name)


def test_names_that_aws_takes_stay_and_others_stay_apart() -> None:
    assert session_name("maya@shopworks.example") == "maya@shopworks.example"
    assert session_name("slack:U1") != session_name("slack/U1")
    assert session_name("x" * 70) != session_name("x" * 71)
