"""What the entries of a catalogue say of each other: names that exist, identities that are one person's alone."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from bot.catalogue.build import selected_accounts
from bot.catalogue.problems import Finding, Path, show_path, suggest
from bot.catalogue.references_rules import Names, check_entries, check_rules, missing, unknown
from bot.catalogue.schema import Document, Role


def check_references(document: Document, names: Names, providers: Collection[str]) -> Iterator[Finding]:
    """Everything that names something that is not there, or that may be there only once."""
    yield from missing(document.admins, ("admins",), "person", names("people"))
    for group, members in document.groups.items():
        yield from missing(members, ("groups", group), "person", names("people"))
    if document.changes is not None:
        rule, path = document.changes.approve, ("changes", "approve")
        yield from missing(rule.people, (*path, "people"), "person", names("people"))
        yield from missing(rule.groups, (*path, "groups"), "group", names("groups"))
    yield from _accounts(document)
    yield from _people(document, names)
    yield from _shared_identities(document)
    yield from check_entries(document, names)
    for key, role in document.roles.items():
        yield from _role(("roles", key), role, document, names, providers)


def _accounts(document: Document) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for key, account in document.accounts.items():
        path = ("accounts", key)
        if (first := owners.setdefault(account.number, key)) != key:
            yield Finding((*path, "number"), f"is the number of {first} too", "one AWS account is one entry")
        if account.broker_role and account.broker_role.split(":")[4] != account.number:
            message = f"is in account {account.broker_role.split(':')[4]}, not in {account.number}"
            yield Finding((*path, "broker_role"), message, "the broker role is in the account that it serves")
        if account.external_id and not account.broker_role:
            yield Finding((*path, "external_id"), "is of no use without a broker_role", "add broker_role")


def _people(document: Document, names: Names) -> Iterator[Finding]:
    for key, person in document.people.items():
        path = ("people", key)
        if person.manager == key:
            yield Finding((*path, "manager"), f"{key} cannot be their own manager", "name somebody else or nobody")
        elif person.manager:
            yield from unknown(person.manager, (*path, "manager"), "person", names("people"))
        for account, principal in person.aws.items():
            here = (*path, "aws", account)
            yield from unknown(account, here, "account", names("accounts"))
            if _is_broker(document, account, principal):
                yield Finding(here, f"{principal} is the bot's own role there", "name the person's own principal")


def _is_broker(document: Document, account: str, principal: str) -> bool:
    entry = document.accounts.get(account)
    broker = entry.broker_role if entry else None
    return bool(broker) and principal == f"role/{str(broker).rsplit('/', 1)[-1]}"


def _shared_identities(document: Document) -> Iterator[Finding]:
    owners: dict[tuple[str, str], tuple[str, Path]] = {}
    for key, path, identity, shown in _identities(document):
        owner, first = owners.setdefault(identity, (key, path))
        if owner != key:
            hint = "an identity belongs to one person, or nobody could tell who approves whom"
            yield Finding(path, f"{shown} is already {owner}'s ({show_path(first)})", hint)


def _identities(document: Document) -> Iterator[tuple[str, Path, tuple[str, str], str]]:
    for key, person in document.people.items():
        path: Path = ("people", key)
        for index, slack in enumerate(person.slack):
            yield key, (*path, "slack", index), ("slack", slack), slack
        if person.email:
            yield key, (*path, "email"), ("email", person.email.casefold()), person.email
        for account, principal in person.aws.items():
            # IAM names are unique regardless of case (IAM user guide, "IAM identifiers").
            yield key, (*path, "aws", account), (f"aws {account}", principal.casefold()), principal


def _role(path: Path, role: Role, document: Document, names: Names, providers: Collection[str]) -> Iterator[Finding]:
    if role.provider not in providers:
        yield Finding((*path, "provider"), f"“{role.provider}” is no way to grant", suggest(role.provider, providers))
    yield from missing(role.accounts.ids, (*path, "accounts"), "account", names("accounts"))
    if role.accounts.tags and not selected_accounts(role, document):
        tags = {tag for account in document.accounts.values() for tag in account.tags}
        unknown = next((tag for tag in role.accounts.tags if tag not in tags), "")
        hint = suggest(unknown, tags) if unknown else "each account has to carry all of the tags"
        yield Finding((*path, "accounts", "tags"), "no account carries these tags", hint)
    yield from check_rules(path, role, document, names)
    yield from missing(role.work or (), (*path, "work"), "kind of work", names("work"))
    if role.min_duration < timedelta(minutes=1):
        yield Finding((*path, "min_duration"), "is under a minute", "write 1m or more")
    if role.min_duration > role.max_duration:
        yield Finding((*path, "min_duration"), "is above max_duration", "lower it, or raise max_duration")
