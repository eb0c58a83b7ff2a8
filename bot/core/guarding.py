"""Whose word a change of the catalogue takes. Pure."""

from bot.core.model import Catalogue


def change_approvers(catalogue: Catalogue) -> frozenset[str]:
    """Person ids of those whose word lets a change of this catalogue count; empty where it takes none."""
    rule = catalogue.changes
    if rule is None:
        return frozenset()
    members = (person for group in rule.groups for person in catalogue.groups.get(group, ()))
    named = {*rule.people, *members, *(catalogue.admins if rule.admins else ())}
    return frozenset(named & catalogue.people.keys())
