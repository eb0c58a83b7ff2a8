"""Grants as inline policies on the person's own IAM user or role.

An inline policy is evaluated at every call that the person makes: it works in sessions that are open already, and
taking it away ends them too, within seconds (IAM is eventually consistent). It carries its own end.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from bot.core.lookups import Choice, LookUp
from bot.core.model import Account, Role
from bot.core.strays import PREFIX
from bot.providers import aws_lookups, aws_resources, aws_usage, iam_policy
from bot.providers.aws_clients import AwsClients
from bot.providers.aws_errors import cloud_error, code_of, is_stale_session, place
from bot.providers.aws_inline import InlinePolicies, Principal
from bot.service.records import CloudError, Observation, Permission

_NO_LOOKUPS = "Deploy the broker role with AllowLookups, as manifests/aws says."


class AwsIamProvider:
    """See ports.CloudProvider."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        """See iam_policy.render."""
        return iam_policy.render(role, account, params)

    def preflight(self, permission: Permission, *besides: Permission) -> Sequence[str]:
        """Reads the principal and its inline policies: two calls and one a policy."""
        try:
            principal = Principal.parse(permission.principal)
            size = sum(iam_policy.size(_document(each)) for each in (permission, *besides))
        except ValueError as problem:
            return (f"{problem}.",)
        if self._is_ours(permission.account, principal):
            return (_not_for_ourselves(principal),)
        limit = iam_policy.SIZE_LIMITS[principal.kind]
        if size > limit:
            return (_too_large(principal, size, limit),)
        with self._calling(permission.account, f"reading the inline policies of {principal}"):
            policies = InlinePolicies(self._clients.iam(permission.account), principal)
            if not policies.owner_exists():
                return (_missing(permission.account, principal),)
            others = [self._held(policies, name) for name in policies.names() if name != _name(permission)]
        return _room(principal, size, limit, others, permission)

    def grant(self, permission: Permission) -> None:
        """Put the policy; replaces one of the same name."""
        try:
            principal = Principal.parse(permission.principal)
            document = _document(permission)
        except ValueError as problem:
            raise CloudError(f"{problem}.", passing=False) from None
        if self._is_ours(permission.account, principal):
            raise CloudError(_not_for_ourselves(principal), passing=False)
        name = _name(permission)
        with self._calling(
            permission.account, f"putting policy {name} on {principal}", _missing(permission.account, principal)
        ):
            iam = self._clients.iam(permission.account, person=permission.person, grant_id=permission.grant_id)
            InlinePolicies(iam, principal).put(name, document)

    def revoke(self, permission: Permission) -> None:
        """Delete the policy."""
        name = _name(permission)
        with self._policies(permission, f"deleting policy {name} from {permission.principal}") as policies:
            policies.delete(name)

    def observe(self, permission: Permission) -> Observation:
        """Read the policy back."""
        name = _name(permission)
        with self._policies(permission, f"reading policy {name} of {permission.principal}") as policies:
            found = policies.get(name)
        if found is None:
            return Observation(present=False)
        try:
            wanted = json.loads(_document(permission))
        except ValueError:
            return Observation(present=True, as_asked=False)
        return Observation(present=True, as_asked=iam_policy.same(found, wanted))

    def existing(self, account: Account, principals: Sequence[str]) -> Iterator[tuple[str, str]]:
        """One call a principal; principals that are not there have nothing."""
        for text in principals:
            principal = _parse(text)
            with self._calling(account, f"listing the inline policies of {principal}"):
                names = list(InlinePolicies(self._clients.iam(account), principal).names())
            yield from ((text, name.removeprefix(PREFIX)) for name in names if name.startswith(PREFIX))

    def read(self, account: Account, principal: str, name: str) -> str | None:
        """One call."""
        with self._policies_of(account, principal, f"reading policy {PREFIX}{name} of {principal}") as policies:
            found = policies.get(f"{PREFIX}{name}")
        return None if found is None else iam_policy.canonical(found)

    def remove(self, account: Account, principal: str, name: str) -> None:
        """One call."""
        with self._policies_of(account, principal, f"deleting policy {PREFIX}{name} from {principal}") as policies:
            policies.delete(f"{PREFIX}{name}")

    def deny(self, account: Account, principal: str, name: str, text: str) -> None:
        """One call for the names, one a policy for its size, one to put it."""
        who, document = _parse(principal), self.denial(text)
        doing = f"putting policy {PREFIX}{name} on {principal}"
        with self._policies_of(account, principal, doing) as policies:
            others = [self._held(policies, each) for each in policies.names() if each != f"{PREFIX}{name}"]
            size, limit = iam_policy.size(document), iam_policy.SIZE_LIMITS[who.kind]
            held = sum(taken for _, taken, _ in others)
            if size + held > limit:
                raise CloudError(_no_room_to_deny(who, size, held, limit), passing=False)
            policies.put(f"{PREFIX}{name}", document)

    def denial(self, text: str) -> str:
        """See iam_policy.denial."""
        try:
            return iam_policy.canonical(json.loads(iam_policy.denial(text)))
        except ValueError as problem:
            raise CloudError(f"There is nothing to deny: {problem}.", passing=False) from None

    def statements(self, text: str) -> tuple[str, datetime | None]:
        """See iam_policy.windowless."""
        return iam_policy.windowless(text)

    def owner(self, account: Account, role: Role, params: Mapping[str, str], parameter: str, tag: str) -> str:
        """One call."""
        with self._calling(account, f"reading the tags of {parameter}", hint=_NO_LOOKUPS):
            return aws_resources.owner(self._clients, account, role, params, (parameter, tag))

    def look_up(self, account: Account, lookup: LookUp) -> tuple[Choice, ...]:
        """One call a page."""
        with self._calling(account, f"listing {lookup.kind}", hint=_NO_LOOKUPS):
            return aws_lookups.look_up(self._clients, account, lookup)

    def how_to_use(self, permission: Permission) -> Sequence[tuple[str, str]]:
        """Profile, a command line to start with, console link."""
        return aws_usage.how_to_use(permission, _parse(permission.principal))

    @contextmanager
    def _policies(self, permission: Permission, doing: str) -> Iterator[InlinePolicies]:
        with self._policies_of(permission.account, permission.principal, doing) as policies:
            yield policies

    @contextmanager
    def _policies_of(self, account: Account, principal: str, doing: str) -> Iterator[InlinePolicies]:
        parsed = _parse(principal)
        with self._calling(account, doing):
            yield InlinePolicies(self._clients.iam(account), parsed)

    @contextmanager
    def _calling(self, account: Account, doing: str, missing: str = "", hint: str = "") -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            if missing and code_of(error) == "NoSuchEntity":
                raise CloudError(missing, passing=False) from None
            failure = cloud_error(error, doing, account, hint or _hint(error))
            if account.broker_role and is_stale_session(error):
                # A new session may be taken; if the bot's own key is at fault, assuming the role will say so.
                self._clients.forget(account)
                failure.passing = True
            raise failure from None

    def _is_ours(self, account: Account, principal: Principal) -> bool:
        """Whether the principal is the broker role or the bot itself: a grant there would widen the bot."""
        arns = [account.broker_role] if account.broker_role else []
        caller = self._clients.caller(account)
        if caller.account == account.number:
            arns.append(caller.arn)
        return any(principal.name.casefold() == _own_name(arn).casefold() for arn in arns)

    @staticmethod
    def _held(policies: InlinePolicies, name: str) -> tuple[str, int, str]:
        """Name, size and end (if it has one) of a policy that is there."""
        found = policies.get(name)
        text = json.dumps(found, separators=(",", ":"), ensure_ascii=False) if found is not None else ""
        return name, iam_policy.size(text), iam_policy.ends_at(found)


def _document(permission: Permission) -> str:
    return iam_policy.document(permission.policy, permission.starts_at, permission.expires_at)


def _name(permission: Permission) -> str:
    return f"{PREFIX}{permission.grant_id}"


def _parse(text: str) -> Principal:
    try:
        return Principal.parse(text)
    except ValueError as problem:
        raise CloudError(f"{problem}.", passing=False) from None


def _own_name(arn: str) -> str:
    """The user's or role's name in an ARN; in ``…:assumed-role/ROLE/session`` the role's."""
    parts = arn.rpartition(":")[2].split("/")
    return parts[1] if parts[0] == "assumed-role" and len(parts) > 1 else parts[-1]


def _missing(account: Account, principal: Principal) -> str:
    return f"There is no {principal} in AWS account {place(account)}: the catalogue names the wrong one."


def _too_large(principal: Principal, size: int, limit: int) -> str:
    return (
        f"These permissions take {size:,} characters and AWS allows {limit:,} in all inline policies of one "
        f"{principal.kind}: ask for less at a time."
    )


def _no_room_to_deny(principal: Principal, size: int, held: int, limit: int) -> str:
    return (
        f"Blocking it takes {size:,} characters; the {principal} has inline policies of {held:,} already, and AWS "
        f"allows {limit:,} together."
    )


def _not_for_ourselves(principal: Principal) -> str:
    return f"The {principal} belongs to prodaccess itself, which is never given access."


def _room(
    principal: Principal, size: int, limit: int, others: Sequence[tuple[str, int, str]], permission: Permission
) -> Sequence[str]:
    held = sum(taken for _, taken, _ in others)
    if size + held <= limit:
        return ()
    text = (
        f"The {principal} has inline policies of {held:,} characters already, these permissions take {size:,}, and "
        f"AWS allows {limit:,} together: release access that is no longer needed, or ask for less."
    )
    starts = permission.starts_at.isoformat()
    ended = sum(taken for name, taken, end in others if name.startswith(PREFIX) and end and end <= starts)
    if ended:
        text += f" {ended:,} of them are grants that have ended and are still to be removed: try again in a minute."
    return (text,)


def _hint(error: BotoCoreError | ClientError) -> str:
    code = code_of(error)
    if code == "AccessDenied":
        return "Give the broker role the permissions in manifests/aws, and the user or role the boundary they ask for."
    if code == "LimitExceeded":
        return "The inline policies of this user or role are full: end other access first, or ask for less."
    return ""
