"""The request form, shown again and again as one chooses: nothing that was typed is lost on the way."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core import policy
from bot.core.duration import format_duration
from bot.core.model import Account, Catalogue, Parameter, Person, Role, Work
from bot.core.policy import Outlook
from bot.slack import blocks as b
from bot.slack import glass, ids
from bot.slack.blocks import Blocks, Json
from bot.slack.form import DURATION_MAX, VALUE_MAX, Form, with_defaults
from bot.slack.outlook import in_words
from bot.slack.searching import best
from bot.slack.views_lookup import looked_up, usage

OF_GLASS = "Nobody is asked. Security is told at once, and somebody else reviews it afterwards."


def request_form(
    catalogue: Catalogue,
    person: Person,
    form: Form,
    outlook: Outlook | None = None,
    *,
    unlisted: Collection[str] = (),
) -> Json:
    """The modal for ``form``. Only what this person may ask for is offered; what is the only choice is chosen.

    ``outlook`` is what will become of it; where there is none and a role is chosen, that cannot be said just now.
    ``unlisted`` are ids of parameters whose choices cannot be listed just now: they are typed.
    """
    form = settled(catalogue, person, form)
    role = _chosen_role(catalogue, person, form.role)
    fields: Blocks = [_role_field(role)]
    if role is not None:
        told = OF_GLASS if form.break_glass else in_words(outlook)
        fields += _fields_of(catalogue, person, role, form, unlisted)
        fields += [*glass.field(role, ticked=form.break_glass), b.section(told)]
    fields += [_duration(catalogue, role, form, outlook), *_start(form), _reason(role, form)]
    if role is not None and role.ticket is not None:
        fields.append(_ticket(role, form))
    return b.modal("Request access", fields, callback=ids.FORM, submit="Next", close="Cancel")


def settled(catalogue: Catalogue, person: Person, form: Form) -> Form:
    """With defaults, and with what is the only choice chosen; what is not offered to this person is not chosen."""
    bundle = policy.bundle_of(catalogue, form.bundled) if form.bundled else None
    if bundle is not None:
        form = replace(form, role=bundle.id, params=policy.said_besides(bundle, form.bundled), bundled=())
    role = _chosen_role(catalogue, person, form.role)
    if role is None:
        return replace(form, role="")
    accounts = policy.accounts_offered(catalogue, role, person)
    chosen = [account for account in form.accounts if account in accounts]
    chosen = chosen or list(accounts if len(accounts) == 1 else ())
    work = form.work if form.work in role.work else ""
    return replace(
        with_defaults(form, role),
        role=role.id,
        break_glass=form.break_glass and role.break_glass is not None,
        account=chosen[0] if chosen else "",
        more_accounts=tuple(chosen[1:]),
        work=work or (role.work[0] if len(role.work) == 1 else ""),
    )


def role_options(roles: Sequence[Role], typed: str) -> list[Json]:
    """Roles that match what was typed, best first."""
    found = best(typed, roles, lambda role: ((role.id, role.title), (role.description,)), b.OPTIONS)
    return [_role_option(role) for role in found]


def account_options(accounts: Sequence[Account], typed: str) -> list[Json]:
    """Accounts that match what was typed, best first."""
    found = best(typed, accounts, lambda a: ((a.id, a.title, a.profile), (a.number, *sorted(a.tags))), b.OPTIONS)
    return [_account_option(account) for account in found]


def choice_options(parameter: Parameter, typed: str) -> list[Json]:
    """A parameter's choices that match what was typed, best first."""
    return [b.option(choice, choice) for choice in best(typed, parameter.choices, lambda c: ((c,), ()), b.OPTIONS)]


def work_options(catalogue: Catalogue, role: Role, typed: str) -> list[Json]:
    """Kinds of work that match what was typed, best first."""
    kinds = [catalogue.work[work] for work in role.work if work in catalogue.work]
    found = best(typed, kinds, lambda work: ((work.id, work.title), ()), b.OPTIONS)
    return [_work_option(catalogue, role, work) for work in found]


def _chosen_role(catalogue: Catalogue, person: Person, chosen: str) -> Role | None:
    if chosen not in catalogue.roles:
        roles = policy.choices(catalogue, person)
        if not chosen:
            return roles[0] if len(roles) == 1 else None
        return next((role for role in roles if role.id == chosen), None)
    role = catalogue.roles.get(chosen)
    offered = role is not None and policy.may_use(role, person) and policy.accounts_offered(catalogue, role, person)
    return role if offered else None


def _role_option(role: Role) -> Json:
    return b.option(f"📦 {role.title}" if policy.is_bundle(role) else role.title, role.id, role.description)


def _account_option(account: Account) -> Json:
    return b.option(account.title, account.id, f"{account.id} · {account.number}")


def _work_option(catalogue: Catalogue, role: Role, work: Work) -> Json:
    return b.option(work.title, work.id, f"at most {format_duration(policy.longest(catalogue, role, work.id))}")


def _role_field(role: Role | None) -> Json:
    menu = b.select(ids.ROLE, "Choose a role", _role_option(role) if role else None)
    hint = role.description if role else "Roles that you may ask for are offered; type to find one."
    return b.entry("Role", ids.ROLE, menu, hint=hint, tells=True)


def _fields_of(catalogue: Catalogue, person: Person, role: Role, form: Form, unlisted: Collection[str]) -> Blocks:
    """Account, the role's own parameters, kind of work."""
    fields = [_account(catalogue, person, role, form)]
    for parameter in role.parameters:
        value = form.params.get(parameter.id, "")
        if parameter.lookup is None or policy.is_bundle(role):
            fields.append(_parameter(role, parameter, value))
        else:
            fields += looked_up(role, parameter, value, form.account, listed=parameter.id not in unlisted)
    return [*fields, _work(catalogue, role, form)]


def _account(catalogue: Catalogue, person: Person, role: Role, form: Form) -> Json:
    """One account, or several where it is offered in several: as many as make no more targets than one request has."""
    block_id, offered = ids.block_of(ids.ACCOUNT, role.id), policy.accounts_offered(catalogue, role, person)
    chosen = [_account_option(catalogue.accounts[each]) for each in form.accounts if each in catalogue.accounts]
    most = policy.ITEMS_MOST // policy.size_of(catalogue, role)
    if len(offered) < 2 or most < 2:
        menu = b.select(ids.ACCOUNT, "Choose an account", chosen[0] if chosen else None)
        return b.entry("Account", block_id, menu, tells=True)
    several: Json = {
        "type": "multi_external_select",
        "action_id": ids.ACCOUNT,
        "placeholder": b.plain("Choose one or several", b.PLACEHOLDER),
        "min_query_length": 0,
        "max_selected_items": most,
        **({"initial_options": chosen[:most]} if chosen else {}),
    }
    hint = "The same in each of them, with a grant of its own; all of it is granted or nothing."
    return b.entry("Account", block_id, several, hint=hint, tells=True)


def _parameter(role: Role, parameter: Parameter, value: str) -> Json:
    block_id = ids.block_of(ids.PARAMETER, role.id, parameter.id)
    optional = parameter.default is not None
    hint = usage(parameter)
    # A menu's values are limited to 150 characters; longer choices have to be typed.
    if parameter.choices and all(len(choice) <= b.OPTION_VALUE for choice in parameter.choices):
        options = [b.option(choice, choice) for choice in parameter.choices]
        initial = b.option(value, value) if value in parameter.choices else None
        element = b.select(ids.PARAMETER, f"Choose: {parameter.title}", initial, options)
    else:
        element = b.text_input(ids.PARAMETER, value, most=VALUE_MAX)
    return b.entry(parameter.title, block_id, element, hint=hint, optional=optional)


def _work(catalogue: Catalogue, role: Role, form: Form) -> Json:
    kinds = {work: catalogue.work[work] for work in role.work if work in catalogue.work}
    options = {work: _work_option(catalogue, role, kind) for work, kind in kinds.items()}
    menu = b.select(ids.WORK, "What is it for?", options.get(form.work), list(options.values()))
    return b.entry("Kind of work", ids.block_of(ids.WORK, role.id), menu, tells=True)


def _duration(catalogue: Catalogue, role: Role | None, form: Form, outlook: Outlook | None) -> Json:
    glass = role.break_glass if role is not None and form.break_glass else None
    hint = f"It starts {'at once' if glass else 'at the approval'} and ends by itself."
    if role is not None:
        work, usual = catalogue.work.get(form.work), policy.longest(catalogue, role, form.work)
        usual = min(usual, glass.longest) if glass else usual
        most = (outlook.longest if outlook else timedelta(0)) or usual
        limits = f"From {format_duration(role.shortest)} to {format_duration(most)}"
        hint = f"{limits}{f' for {work.title}' if work and most == usual else ''}. {hint}"
    element = b.text_input(ids.DURATION, form.duration, "e.g. 30m, 2h, 1h30m", most=DURATION_MAX)
    return b.entry("How long", ids.DURATION, element, hint=hint)


def _start(form: Form) -> Blocks:
    if form.break_glass:
        return []  # it is for now
    element: Json = {"type": "datetimepicker", "action_id": ids.START}
    if form.start is not None:
        element["initial_date_time"] = int(form.start.timestamp())
    hint = "Leave it empty to start at the approval."
    return [b.entry("Start", ids.START, element, hint=hint, optional=True, tells=True)]


def _reason(role: Role | None, form: Form) -> Json:
    placeholder = "What is wrong, what you will do, how we will know that it worked"
    element = b.text_input(ids.REASON, form.reason, placeholder, most=policy.REASON_MAX, lines=True)
    hint = f"At least {role.reason_min} characters; the approvers and the audit log see it." if role else ""
    return b.entry("Why", ids.REASON, element, hint=hint)


def _ticket(role: Role, form: Form) -> Json:
    hint = role.ticket.hint if role.ticket else ""
    element = b.text_input(ids.TICKET, form.ticket, hint, most=policy.TICKET_MAX)
    return b.entry("Ticket", ids.block_of(ids.TICKET, role.id), element)
