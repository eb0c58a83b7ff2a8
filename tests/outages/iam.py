"""An IAM that keeps inline policies in memory and is as unreliable as told; its wire is AWS's."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.providers.scripted_aws import Answer, ScriptedAws, error, serving

NO_SUCH = error("NoSuchEntity", 404, "There is no such policy.")
Key = tuple[str, str]
"""User name, policy name."""


class Iam(ScriptedAws):
    """``lag`` is how many seconds a write takes to be seen by reads. Every user exists."""

    def __init__(self) -> None:
        super().__init__()
        self.lag = 0.0
        self._writes: dict[Key, list[tuple[float, str]]] = {}
        self._fail_after: list[str] = []

    def fail_after(self, action: str) -> None:
        """The next such call is carried out and then answered with an error that may pass."""
        self._fail_after.append(action)

    def held(self) -> dict[Key, str]:
        """Policy documents that are there, seen by reads or not."""
        return {key: writes[-1][1] for key, writes in list(self._writes.items()) if writes[-1][1]}

    def policies(self, user: str) -> dict[str, object]:
        """What a user holds, by policy name."""
        return {name: json.loads(text) for (owner, name), text in self.held().items() if owner == user}

    def seen(self, user: str) -> list[str]:
        """Names of the policies of a user that reads see by now."""
        return [name for owner, name in list(self._writes) if owner == user and self._seen((owner, name))]

    def _success(self, call: dict[str, str]) -> Answer:
        answer = self._carry_out(call)
        if call["Action"] in self._fail_after:
            self._fail_after.remove(call["Action"])
            return error("ServiceFailure", 503)
        return answer if answer is not None else super()._success(call)

    def _carry_out(self, call: dict[str, str]) -> Answer | None:
        key = (call.get("UserName", ""), call.get("PolicyName", ""))
        match call["Action"]:
            case "PutUserPolicy":
                self._write(key, call["PolicyDocument"])
            case "DeleteUserPolicy":
                if key not in self.held():
                    return NO_SUCH
                self._write(key, "")
            case "GetUserPolicy":
                text = self._seen(key)
                if not text:
                    return NO_SUCH
                fields = f"<UserName>{key[0]}</UserName><PolicyName>{key[1]}</PolicyName>"
                return _result("GetUserPolicy", f"{fields}<PolicyDocument><![CDATA[{text}]]></PolicyDocument>")
            case "GetUser":
                about = f"<UserName>{key[0]}</UserName><Path>/</Path><UserId>AIDA{key[0].upper()}</UserId>"
                return _result("GetUser", f"<User>{about}</User>")
            case "ListUserPolicies":
                members = "".join(f"<member>{name}</member>" for name in self.seen(key[0]))
                return _result(
                    "ListUserPolicies", f"<PolicyNames>{members}</PolicyNames><IsTruncated>false</IsTruncated>"
                )
        return None

    def _write(self, key: Key, text: str) -> None:
        self._writes.setdefault(key, []).append((time.monotonic(), text))

    def _seen(self, key: Key) -> str:
        horizon = time.monotonic() - self.lag
        seen = [text for at, text in self._writes.get(key, []) if at <= horizon]
        return seen[-1] if seen else ""


def _result(action: str, inner: str) -> Answer:
    return Answer(200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>")


@contextmanager
def running_iam() -> Iterator[Iam]:
    """Listening on a free port of 127.0.0.1."""
    iam = Iam()
    with serving(iam):
        yield iam
