"""An IAM that keeps inline policies in memory and is as unreliable as told; its wire is AWS's."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.providers.scripted_aws import Answer, ScriptedAws, error, serving

NO_SUCH = error("NoSuchEntity", 404, "There is no such policy.")
Key = tuple[str, str, str]
"""Account number, user name, policy name."""


class Iam(ScriptedAws):
    """``lag`` is how many seconds a write takes to be seen by reads. Every user exists."""

    def __init__(self) -> None:
        super().__init__()
        self.lag = 0.0
        self._writes: dict[Key, list[tuple[float, str]]] = {}
        self._fail_after: list[str] = []
        self._sessions_of: dict[str, str] = {}
        """Account number by the access key id of a session in it."""
        self._opener_of: dict[str, str] = {}
        """Access key id of whoever opened a session, by the session's own."""

    def fail_after(self, action: str) -> None:
        """The next such call is carried out and then answered with an error that may pass."""
        self._fail_after.append(action)

    def held(self) -> dict[tuple[str, str], str]:
        """Policy documents that are there, seen by reads or not, by user and policy name."""
        return {key[1:]: writes[-1][1] for key, writes in list(self._writes.items()) if writes[-1][1]}

    def policies(self, user: str) -> dict[str, object]:
        """What a user holds, by policy name."""
        return {name: json.loads(text) for (owner, name), text in self.held().items() if owner == user}

    def seen(self, user: str, account: str | None = None) -> list[str]:
        """Names of the policies of a user, of one account or of all, that reads see by now."""
        mine = [key for key in list(self._writes) if key[1] == user and account in {None, key[0]}]
        return [key[2] for key in mine if self._seen(key)]

    def caller(self, call: dict[str, str]) -> str:
        """The access key id behind a call, of whoever opened the session for one that was made in a session."""
        key = _key_of(call)
        return self._opener_of.get(key, key)

    def _success(self, call: dict[str, str]) -> Answer:
        answer = self._carry_out(call)
        if call["Action"] in self._fail_after:
            self._fail_after.remove(call["Action"])
            return error("ServiceFailure", 503)
        if answer is None:
            answer = super()._success(call)
        if call["Action"] == "AssumeRole" and (session := re.search(r"<AccessKeyId>(\w+)<", answer.body)):
            self._sessions_of[session[1]] = call["RoleArn"].split(":")[4]
            self._opener_of[session[1]] = _key_of(call)
        return answer

    def _carry_out(self, call: dict[str, str]) -> Answer | None:
        account = self._sessions_of.get(_key_of(call), "")
        key = (account, call.get("UserName", ""), call.get("PolicyName", ""))
        match call["Action"]:
            case "PutUserPolicy":
                self._write(key, call["PolicyDocument"])
            case "DeleteUserPolicy":
                if not self._newest(key):
                    return NO_SUCH
                self._write(key, "")
            case "GetUserPolicy":
                text = self._seen(key)
                if not text:
                    return NO_SUCH
                fields = f"<UserName>{key[1]}</UserName><PolicyName>{key[2]}</PolicyName>"
                return _result("GetUserPolicy", f"{fields}<PolicyDocument><![CDATA[{text}]]></PolicyDocument>")
            case "GetUser":
                about = f"<UserName>{key[1]}</UserName><Path>/</Path><UserId>AIDA{key[1].upper()}</UserId>"
                return _result("GetUser", f"<User>{about}</User>")
            case "ListUserPolicies":
                members = "".join(f"<member>{name}</member>" for name in self.seen(key[1], account))
                return _result(
                    "ListUserPolicies", f"<PolicyNames>{members}</PolicyNames><IsTruncated>false</IsTruncated>"
                )
        return None

    def _write(self, key: Key, text: str) -> None:
        self._writes.setdefault(key, []).append((time.monotonic(), text))

    def _newest(self, key: Key) -> str:
        return self._writes[key][-1][1] if key in self._writes else ""

    def _seen(self, key: Key) -> str:
        horizon = time.monotonic() - self.lag
        seen = [text for at, text in self._writes.get(key, []) if at <= horizon]
        return seen[-1] if seen else ""


def _key_of(call: dict[str, str]) -> str:
    signed = re.search(r"Credential=(\w+)/", call["_key"])
    return signed[1] if signed else ""


def _result(action: str, inner: str) -> Answer:
    return Answer(200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>")


@contextmanager
def running_iam() -> Iterator[Iam]:
    """Listening on a free port of 127.0.0.1."""
    iam = Iam()
    with serving(iam):
        yield iam
