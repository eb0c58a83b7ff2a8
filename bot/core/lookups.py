"""Choices that are listed live from the cloud: what can be listed, and how one is shown."""

from dataclasses import dataclass
from enum import StrEnum


class LookUpKind(StrEnum):
    """What can be listed; each value is what a role's statements need of it."""

    BUCKETS = "buckets"
    DATABASES = "databases"
    ECS_CLUSTERS = "ecs-clusters"
    EKS_CLUSTERS = "eks-clusters"
    FUNCTIONS = "functions"
    INSTANCES = "instances"
    KEYS = "keys"
    LOG_GROUPS = "log-groups"
    QUEUES = "queues"
    SECRETS = "secrets"
    TABLES = "tables"


TAGGED = frozenset({LookUpKind.DATABASES, LookUpKind.INSTANCES, LookUpKind.SECRETS})
"""Kinds whose list tells the tags too."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Which resources are offered: those of a kind that carry all of ``tags`` (key, value)."""

    kind: LookUpKind
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """A resource as it is written in a statement, and as people call it where that is something else."""

    value: str
    title: str = ""
