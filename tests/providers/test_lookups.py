"""Listing choices and reading owners: on the fake, on a local AWS with the broker's own rights, and page by page."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from bot.core.lookups import TAGGED, Choice, LookUp, LookUpKind
from bot.core.model import Account
from bot.providers import aws_lookups
from bot.providers.aws_iam import AwsIamProvider
from bot.providers.aws_lookups import LISTINGS, look_up
from bot.providers.aws_resources import resources
from bot.providers.fake import FakeProvider, Fault
from bot.sandbox.aws import isolated_session
from bot.sandbox.roster import DATA_PROD, PAYMENTS_PROD
from bot.service.records import CloudError
from tests.contracts.lookups import BUCKET, INSTANCES, LookUpContract, Shelf, role
from tests.sandbox.aws_fixture import AwsWorld, catalogued

PROD, DATA = catalogued(PAYMENTS_PROD), catalogued(DATA_PROD)
OTHERS = (Choice("i-00000000000000009", "ledger-1"),)


class TestFakeProvider(LookUpContract):
    @pytest.fixture
    def shelf(self) -> Shelf:
        fake = FakeProvider([])
        named = {"checkout-1": "i-00000000000000001", "checkout-2": "i-00000000000000002"}
        checkout = tuple(Choice(instance, name) for name, instance in named.items())
        service = ("service", "checkout")
        fake.offers = {
            (PROD.id, LookUp(LookUpKind.BUCKETS)): (Choice("payments-logs"), Choice("payments-exports")),
            (PROD.id, LookUp(INSTANCES)): checkout + OTHERS,
            (PROD.id, LookUp(INSTANCES, (service,))): checkout,
            (PROD.id, LookUp(INSTANCES, (("Name", "checkout-1"), service))): checkout[:1],
        }
        fake.tags[PROD.id, "payments-logs", "owner"] = "maya"
        return Shelf(fake, PROD, DATA, "payments-logs", "payments-exports", named)


def test_the_fake_fails_as_told() -> None:
    fake = FakeProvider([])
    fake.fail("look_up", Fault.TIMED_OUT)
    fake.fail("owner", Fault.REFUSED)
    with pytest.raises(CloudError):
        fake.look_up(PROD, LookUp(LookUpKind.BUCKETS))
    with pytest.raises(CloudError):
        fake.owner(PROD, BUCKET, {"bucket": "payments-logs"}, "bucket", "owner")


@pytest.fixture(scope="module")
def tagged(aws_world: AwsWorld) -> Iterator[AwsWorld]:
    """One of the buckets belongs to Maya."""
    s3 = aws_world.aws.root("s3", PROD.number)
    s3.put_bucket_tagging(Bucket="payments-logs", Tagging={"TagSet": [{"Key": "owner", "Value": "maya"}]})
    yield aws_world
    s3.delete_bucket_tagging(Bucket="payments-logs")


class TestAwsIamProvider(LookUpContract):
    @pytest.fixture
    def shelf(self, tagged: AwsWorld) -> Shelf:
        named = {name: tagged.seeded.instances[PROD.id, name] for name in ("checkout-1", "checkout-2")}
        return Shelf(tagged.provider(), PROD, DATA, "payments-logs", "payments-exports", named)

    def test_where_resources_say_different_things_nobody_is_the_owner(self, tagged: AwsWorld) -> None:
        one, both = role("arn:aws:s3:::payments-{name}"), ("arn:aws:s3:::payments-{name}", "arn:aws:s3:::{name}")
        owner = tagged.provider().owner
        assert owner(PROD, one, {"name": "logs"}, "name", "owner") == "maya"
        assert owner(PROD, role(*both), {"name": "logs"}, "name", "owner") == ""

    def test_without_the_rights_it_says_what_to_deploy(self, tagged: AwsWorld) -> None:
        iam, policy = (
            tagged.aws.root("iam", PROD.number),
            {"RoleName": "prodaccess-broker", "PolicyName": "broker-lookups"},
        )
        document = iam.get_role_policy(**policy)["PolicyDocument"]
        iam.delete_role_policy(**policy)
        try:
            with pytest.raises(CloudError, match="Deploy the broker role with AllowLookups") as caught:
                tagged.provider().look_up(PROD, LookUp(LookUpKind.BUCKETS))
            assert not caught.value.passing
        finally:
            iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))

    @pytest.mark.parametrize(
        ("kind", "value", "title"),
        [
            (LookUpKind.QUEUES, "payments-retries", ""),
            (LookUpKind.TABLES, "ledger", ""),
            (LookUpKind.LOG_GROUPS, "/aws/lambda/checkout", ""),
            (LookUpKind.ECS_CLUSTERS, "payments", ""),
            (LookUpKind.SECRETS, "", "payments/db"),
            (LookUpKind.KEYS, "", "payments"),
        ],
    )
    def test_each_kind_is_written_as_a_statement_needs_it(
        self, tagged: AwsWorld, kind: LookUpKind, value: str, title: str
    ) -> None:
        wanted = _make(tagged, kind) or value
        found = tagged.provider().look_up(PROD, LookUp(kind))
        assert Choice(wanted, title) in found


def _make(world: AwsWorld, kind: LookUpKind) -> str:
    """Its value, where AWS chooses it."""
    root = lambda service: world.aws.root(service, PROD.number, PROD.region)  # noqa: E731
    match kind:
        case LookUpKind.QUEUES:
            root("sqs").create_queue(QueueName="payments-retries")
        case LookUpKind.TABLES:
            key = "id"
            root("dynamodb").create_table(
                TableName="ledger",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        case LookUpKind.LOG_GROUPS:
            root("logs").create_log_group(logGroupName="/aws/lambda/checkout")
        case LookUpKind.ECS_CLUSTERS:
            root("ecs").create_cluster(clusterName="payments")
        case LookUpKind.SECRETS:
            made = root("secretsmanager").create_secret(Name="payments/db", SecretString="s")
            return str(made["ARN"]).partition(":secret:")[2]
        case LookUpKind.KEYS:
            key = str(root("kms").create_key()["KeyMetadata"]["KeyId"])
            root("kms").create_alias(AliasName="alias/payments", TargetKeyId=key)
            return key
    return ""


# --- what no emulator shows ------------------------------------------------------------------------------


class OneClient:
    """In AwsClients' place: botocore itself checks what is asked, and the answers, against AWS's own description."""

    def __init__(self, service: str) -> None:
        self.client = isolated_session("AKIABOT", "bot-secret").client(service, region_name="eu-central-1")
        self.stub = Stubber(self.client)

    def reading(self, service: str, _: Account) -> Any:
        assert service == self.client.meta.service_model.service_name
        return self.client


def listed(kind: LookUpKind, *pages: dict[str, Any], tags: tuple[tuple[str, str], ...] = ()) -> tuple[Choice, ...]:
    one = OneClient(LISTINGS[kind].service)
    for page in pages:
        one.stub.add_response(LISTINGS[kind].operation, page)
    with one.stub:
        found = look_up(one, PROD, LookUp(kind, tags))  # type: ignore[arg-type]
        one.stub.assert_no_pending_responses()
    return found


def test_all_pages_are_read() -> None:
    pages = {"clusters": ["b"], "nextToken": "more"}, {"clusters": ["a"]}
    assert listed(LookUpKind.EKS_CLUSTERS, *pages) == (Choice("a"), Choice("b"))
    functions = {"Functions": [{"FunctionName": "pay"}], "NextMarker": "m"}, {"Functions": [{"FunctionName": "refund"}]}
    assert listed(LookUpKind.FUNCTIONS, *functions) == (Choice("pay"), Choice("refund"))


def test_of_very_many_the_first_are_read_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_lookups, "MOST", 2)
    one = OneClient("eks")
    one.stub.add_response("list_clusters", {"clusters": ["a", "b", "c"], "nextToken": "more"})
    with one.stub:  # which knows no second page
        assert look_up(one, PROD, LookUp(LookUpKind.EKS_CLUSTERS)) == (Choice("a"), Choice("b"))  # type: ignore[arg-type]


def test_databases_and_secrets_are_told_by_their_tags_too() -> None:
    wanted = [{"Key": "team", "Value": "payments"}]
    databases = [{"DBInstanceIdentifier": "ledger", "TagList": wanted}, {"DBInstanceIdentifier": "crm", "TagList": []}]
    assert listed(LookUpKind.DATABASES, {"DBInstances": databases}, tags=(("team", "payments"),)) == (Choice("ledger"),)
    arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:"
    secrets = [
        {"ARN": f"{arn}db-AbCdEf", "Name": "db", "Tags": wanted},
        {"ARN": f"{arn}crm-AbCdEf", "Name": "crm"},
    ]
    found = listed(LookUpKind.SECRETS, {"SecretList": secrets}, tags=(("team", "payments"),))
    assert found == (Choice("db-AbCdEf", "db"),)


def test_an_instance_that_is_gone_and_a_key_of_aws_itself_are_not_offered() -> None:
    states = ("running", "stopped", "shutting-down", "terminated")
    instances = [{"InstanceId": f"i-0000000{at}", "State": {"Name": state}} for at, state in enumerate(states)]
    found = listed(LookUpKind.INSTANCES, {"Reservations": [{"Instances": instances[:2]}, {"Instances": instances[2:]}]})
    assert [choice.value for choice in found] == ["i-00000000", "i-00000001"]
    aliases = [
        {"AliasName": "alias/aws/s3", "TargetKeyId": "1"},
        {"AliasName": "alias/unused"},
        {"AliasName": "alias/pay", "TargetKeyId": "2"},
    ]
    assert listed(LookUpKind.KEYS, {"Aliases": aliases}) == (Choice("2", "pay"),)


def test_there_is_a_list_for_each_kind_and_each_action_is_named_as_aws_names_it() -> None:
    assert LISTINGS.keys() == set(LookUpKind)
    assert {LookUpKind.DATABASES, LookUpKind.INSTANCES, LookUpKind.SECRETS} == TAGGED
    for listing in LISTINGS.values():
        operation = "".join(part.capitalize() for part in listing.operation.split("_"))
        shown = operation.replace("Db", "DB").replace("ListBuckets", "ListAllMyBuckets")
        assert listing.action == f"{listing.service}:{shown}"


# --- which resource a parameter names --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("templates", "params", "arns"),
    [
        (["arn:aws:s3:::{name}", "arn:aws:s3:::{name}/app/*"], {"name": "logs"}, {"arn:aws:s3:::logs"}),
        (["arn:aws:s3:::logs/{name}*"], {"name": "app/"}, {"arn:aws:s3:::logs"}),
        (["arn:aws:s3:::{env}-logs/{name}/*"], {"name": "app", "env": "prod"}, {"arn:aws:s3:::prod-logs"}),
        (["arn:aws:s3:::{name}"], {"name": "logs/app"}, {"arn:aws:s3:::logs"}),
        (
            ["arn:aws:dynamodb:{region}:{account}:table/{name}/index/*"],
            {"name": "ledger"},
            {"arn:aws:dynamodb:eu-central-1:111111111111:table/ledger"},
        ),
        (
            ["arn:aws:logs:{region}:{account}:log-group:{name}:*"],
            {"name": "/aws/lambda/pay"},
            {"arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/pay"},
        ),
        (["arn:aws:s3:::{name}*"], {"name": "logs"}, set()),
        (["arn:aws:s3:::*-{name}"], {"name": "logs"}, set()),
        (["arn:aws:s3:::*/{name}"], {"name": "logs"}, set()),
        (["arn:aws:s3:::{name}", "arn:aws:s3:::{name}-*"], {"name": "logs"}, set()),
        (["arn:aws:s3:::other"], {"name": "logs"}, set()),
    ],
)
def test_a_parameter_names_what_the_statements_allow_and_nothing_that_is_left_open(
    templates: list[str], params: dict[str, str], arns: set[str]
) -> None:
    account = replace(PROD, region="eu-central-1")
    assert resources(role(*templates), account, params, "name") == arns


def test_what_cannot_be_filled_in_has_no_owner_and_costs_no_call() -> None:
    provider = AwsIamProvider(None)  # type: ignore[arg-type]
    assert provider.owner(PROD, BUCKET, {"bucket": "*"}, "bucket", "owner") == ""
    assert provider.owner(PROD, role("arn:aws:s3:::{bucket}*"), {"bucket": "logs"}, "bucket", "owner") == ""
