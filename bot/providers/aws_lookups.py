"""What can be chosen, listed by calls that only read: one row a kind."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.core.lookups import Choice, LookUp, LookUpKind
from bot.core.model import Account
from bot.providers.aws_clients import AwsClients

MOST: Final = 3_000
"""Choices that are read; whoever has more types the rest."""
READ_MOST: Final = 10_000
"""Entries that are looked at, those that are not offered included."""
_GONE: Final = frozenset({"shutting-down", "terminated"})

Item = Any
"""One entry of an answer: a mapping, or a name."""


def _tags(item: Item) -> Mapping[str, str]:
    """Of entries that tell them as EC2, RDS and Secrets Manager do."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or item.get("TagList") or ()}


@dataclass(frozen=True, slots=True)
class _Listing:
    """A paginated ``operation`` of a ``service``; ``path`` leads to the entries of a page."""

    service: str
    operation: str
    action: str
    """The IAM action that it takes."""
    path: str
    choice: Callable[[Item], Choice | None]
    """``None``: not offered."""
    page: int = 0
    """Entries a page, where it has to be said."""


def _name(key: str) -> Callable[[Item], Choice]:
    return lambda item: Choice(item[key])


def _end(item: Item) -> Choice:
    """What is behind the last slash of a URL or ARN."""
    return Choice(item.rpartition("/")[2])


def _instance(item: Item) -> Choice | None:
    gone = item["State"]["Name"] in _GONE
    return None if gone else Choice(item["InstanceId"], _tags(item).get("Name", ""))


def _secret(item: Item) -> Choice:
    """As its ARN writes it, with the six characters that AWS adds."""
    return Choice(item["ARN"].partition(":secret:")[2], item["Name"])


def _key(item: Item) -> Choice | None:
    """By the alias that people gave it; those of AWS's own keys are left out."""
    name, target = item["AliasName"].removeprefix("alias/"), item.get("TargetKeyId")
    return Choice(target, name) if target and not name.startswith("aws/") else None


_K = LookUpKind
LISTINGS: Final[Mapping[LookUpKind, _Listing]] = {
    _K.BUCKETS: _Listing("s3", "list_buckets", "s3:ListAllMyBuckets", "Buckets", _name("Name")),
    _K.DATABASES: _Listing(
        "rds", "describe_db_instances", "rds:DescribeDBInstances", "DBInstances", _name("DBInstanceIdentifier")
    ),
    _K.ECS_CLUSTERS: _Listing("ecs", "list_clusters", "ecs:ListClusters", "clusterArns", _end),
    _K.EKS_CLUSTERS: _Listing("eks", "list_clusters", "eks:ListClusters", "clusters", Choice),
    _K.FUNCTIONS: _Listing("lambda", "list_functions", "lambda:ListFunctions", "Functions", _name("FunctionName")),
    _K.INSTANCES: _Listing(
        "ec2", "describe_instances", "ec2:DescribeInstances", "Reservations.Instances", _instance, page=1000
    ),
    _K.KEYS: _Listing("kms", "list_aliases", "kms:ListAliases", "Aliases", _key),
    _K.LOG_GROUPS: _Listing(
        "logs", "describe_log_groups", "logs:DescribeLogGroups", "logGroups", _name("logGroupName")
    ),
    _K.QUEUES: _Listing("sqs", "list_queues", "sqs:ListQueues", "QueueUrls", _end, page=1000),
    _K.SECRETS: _Listing("secretsmanager", "list_secrets", "secretsmanager:ListSecrets", "SecretList", _secret),
    _K.TABLES: _Listing("dynamodb", "list_tables", "dynamodb:ListTables", "TableNames", Choice),
}


def look_up(clients: AwsClients, account: Account, lookup: LookUp) -> tuple[Choice, ...]:
    """See ports.LooksUp. Raises CloudError and botocore's."""
    listing, wanted = LISTINGS[lookup.kind], dict(lookup.tags)
    client = clients.reading(listing.service, account)
    found: list[Choice] = []
    for item in _items(client, listing, wanted):
        choice = listing.choice(item) if not wanted or wanted.items() <= _tags(item).items() else None
        if choice is not None:
            found.append(choice)
            if len(found) == MOST:
                break
    return tuple(sorted(found))


def _items(client: Any, listing: _Listing, tags: Mapping[str, str]) -> Iterable[Item]:
    page_size = {"PageSize": listing.page} if listing.page else {}
    arguments: dict[str, Any] = {"PaginationConfig": {"MaxItems": READ_MOST, **page_size}}
    if listing.service == "ec2" and tags:
        arguments["Filters"] = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    for page in client.get_paginator(listing.operation).paginate(**arguments):
        entries = [page]
        for key in listing.path.split("."):
            entries = [entry for each in entries for entry in each.get(key) or ()]
        yield from entries
