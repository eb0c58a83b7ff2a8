"""The inline policies of one IAM user or role."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bot.providers.aws_errors import code_of


@dataclass(frozen=True, slots=True)
class Principal:
    """An IAM ``user`` or ``role``; ``name`` without its path, as IAM's calls take it."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Principal":
        """From ``user/NAME``, ``role/NAME`` or, with a path, ``user/a/path/NAME``. Raises ValueError."""
        kind, _, rest = text.partition("/")
        name = rest.rpartition("/")[2]
        if kind not in {"user", "role"} or not name:
            raise ValueError(f"{text!r} is no IAM principal: write user/NAME or role/NAME")
        return cls(kind, name)

    def __str__(self) -> str:
        return f"IAM {self.kind} {self.name}"


class InlinePolicies:
    """Each method is one IAM call and raises botocore's errors, but for what it says."""

    def __init__(self, iam: Any, principal: Principal) -> None:
        self._iam = iam
        self._kind = principal.kind
        self._who = {f"{principal.kind.capitalize()}Name": principal.name}

    def owner_exists(self) -> bool:
        """Whether there is such a user or role."""
        try:
            self._call("get_{}")
        except ClientError as error:
            if code_of(error) == "NoSuchEntity":
                return False
            raise
        return True

    def put(self, name: str, document: str) -> None:
        """Create or replace a policy."""
        self._call("put_{}_policy", PolicyName=name, PolicyDocument=document)

    def delete(self, name: str) -> None:
        """Remove a policy; fine if there is none or no such user or role."""
        try:
            self._call("delete_{}_policy", PolicyName=name)
        except ClientError as error:
            if code_of(error) != "NoSuchEntity":
                raise

    def get(self, name: str) -> object:
        """The parsed document; ``None`` if there is none or no such user or role."""
        try:
            found = self._call("get_{}_policy", PolicyName=name)["PolicyDocument"]
        except ClientError as error:
            if code_of(error) == "NoSuchEntity":
                return None
            raise
        return json.loads(found) if isinstance(found, str) else found

    def names(self) -> Iterator[str]:
        """Every policy's name (one call a page); none if there is no such user or role."""
        page: dict[str, Any] = {"IsTruncated": True}
        while page["IsTruncated"]:
            marker = {"Marker": page["Marker"]} if "Marker" in page else {}
            try:
                page = self._call("list_{}_policies", **marker)
            except ClientError as error:
                if code_of(error) == "NoSuchEntity":
                    return
                raise
            yield from page["PolicyNames"]

    def _call(self, method: str, **arguments: str) -> Any:
        return getattr(self._iam, method.format(self._kind))(**self._who, **arguments)
