"""The request form, shown again and again as one chooses: nothing that was typed is lost on the way."""

from collections.abc import Sequence
from dataclasses import replace

from bot.core import policy
from bot.core.duration import format_duration
from bot.core.model import Account, Catalogue, Parameter, Person, Role
from bot.slack import blocks as b
from bot.slack import glass, ids
from bot.slack.blocks import Blocks, Json
from bot.slack.form import DURATION_MAX, VALUE_MAX, Form, with_defaults


def request_form(catalogue: Catalogue, person: Person, form: Form) -> Json:
    """The modal for ``form``. Only what this person may ask for is offered; what is the only choice is chosen."""
    roles = policy.roles_offered(catalogue, person)
    role = _chosen_role(roles, form.role)
    fields: Blocks = [_role_field(role)]
    if role is not None:
        form = _settled(catalogue, person, role, form)
        fields += _fields_of(catalogue, role, form)
        fields += glass.field(role, ticked=form.break_glass)
    fields += [_duration(catalogue, role, form), *_start(form), _reason(role, form)]
    if role is not None and role.ticket is not None:
        fields.append(_ticket(role, form))
    return b.modal("Request access", fields, callback=ids.FORM, submit="Next", close="Cancel")


def role_options(roles: Sequence[Role], typed: str) -> list[Json]:
    """Roles that match what was typed."""
    found = [role for role in roles if _matches(typed, role.id, role.title, role.description)]
    return [_role_option(role) for role in found[: b.OPTIONS]]


def account_options(accounts: Sequence[Account], typed: str) -> list[Json]:
    """Accounts that match what was typed."""
    found = [a for a in accounts if _matches(typed, a.id, a.title, a.number, a.profile)]
    return [_account_option(account) for account in found[: b.OPTIONS]]


def choice_options(parameter: Parameter, typed: str) -> list[Json]:
    """A parameter's choices that match what was typed."""
    found = [choice for choice in parameter.choices if _matches(typed, choice)]
    return [b.option(choice, choice) for choice in found[: b.OPTIONS]]


def _matches(typed: str, *texts: str) -> bool:
    return all(any(word in text.casefold() for text in texts) for word in typed.casefold().split())


def _chosen_role(roles: Sequence[Role], chosen: str) -> Role | None:
    if not chosen and len(roles) == 1:
        return roles[0]
    return next((role for role in roles if role.id == chosen), None)


def _role_option(role: Role) -> Json:
    return b.option(role.title, role.id, role.description)


def _account_option(account: Account) -> Json:
    return b.option(account.title, account.id, f"{account.id} · {account.number}")


def _role_field(role: Role | None) -> Json:
    menu = b.select(ids.ROLE, "Choose a role", _role_option(role) if role else None)
    hint = role.description if role else "Roles that you may ask for are offered; type to find one."
    return b.entry("Role", ids.ROLE, menu, hint=hint, tells=True)


def _settled(catalogue: Catalogue, person: Person, role: Role, form: Form) -> Form:
    """With defaults, and with what is the only choice chosen; an account or work that is not offered is not."""
    accounts = policy.accounts_offered(catalogue, role, person)
    account = form.account if form.account in accounts else ""
    work = form.work if form.work in role.work else ""
    return replace(
        with_defaults(form, role),
        break_glass=form.break_glass and role.break_glass is not None,
        account=account or (accounts[0] if len(accounts) == 1 else ""),
        work=work or (role.work[0] if len(role.work) == 1 else ""),
    )


def _fields_of(catalogue: Catalogue, role: Role, form: Form) -> Blocks:
    """Account, the role's own parameters, kind of work."""
    account = catalogue.accounts.get(form.account)
    menu = b.select(ids.ACCOUNT, "Choose an account", _account_option(account) if account else None)
    fields = [b.entry("Account", ids.block_of(ids.ACCOUNT, role.id), menu)]
    fields += [_parameter(role, parameter, form.params.get(parameter.id, "")) for parameter in role.parameters]
    return [*fields, _work(catalogue, role, form)]


def _parameter(role: Role, parameter: Parameter, value: str) -> Json:
    block_id = ids.block_of(ids.PARAMETER, role.id, parameter.id)
    optional = parameter.default is not None
    hint = _hint(parameter) or (f"If you leave it empty: {parameter.default}" if parameter.default else "")
    # A menu's values are limited to 150 characters; longer choices have to be typed.
    if parameter.choices and all(len(choice) <= b.OPTION_VALUE for choice in parameter.choices):
        options = [b.option(choice, choice) for choice in parameter.choices]
        initial = b.option(value, value) if value in parameter.choices else None
        element = b.select(ids.PARAMETER, f"Choose: {parameter.title}", initial, options)
    else:
        element = b.text_input(ids.PARAMETER, value, most=VALUE_MAX)
    return b.entry(parameter.title, block_id, element, hint=hint, optional=optional)


def _hint(parameter: Parameter) -> str:
    """The catalogue's hint, which is a phrase or an example, as a line of its own."""
    hint = parameter.hint
    return hint[:1].upper() + hint[1:] if " " in hint else f"For example {hint}" if hint else ""


def _work(catalogue: Catalogue, role: Role, form: Form) -> Json:
    options = {
        work: b.option(
            catalogue.work[work].title, work, f"at most {format_duration(policy.longest(catalogue, role, work))}"
        )
        for work in role.work
        if work in catalogue.work
    }
    menu = b.select(ids.WORK, "What is it for?", options.get(form.work), list(options.values())[: b.OPTIONS])
    return b.entry("Kind of work", ids.block_of(ids.WORK, role.id), menu, tells=True)


def _duration(catalogue: Catalogue, role: Role | None, form: Form) -> Json:
    hint = "It starts at the approval and ends by itself."
    if role is not None:
        work = catalogue.work.get(form.work)
        longest = policy.longest(catalogue, role, form.work)
        if form.break_glass and role.break_glass:
            longest, hint = min(longest, role.break_glass.longest), "It starts at once and ends by itself."
        most = format_duration(longest)
        hint = f"From {format_duration(role.shortest)} to {most}{f' for {work.title}' if work else ''}. {hint}"
    element = b.text_input(ids.DURATION, form.duration, "e.g. 30m, 2h, 1h30m", most=DURATION_MAX)
    return b.entry("How long", ids.DURATION, element, hint=hint)


def _start(form: Form) -> Blocks:
    if form.break_glass:
        return []  # it is for now
    element: Json = {"type": "datetimepicker", "action_id": ids.START}
    if form.start is not None:
        element["initial_date_time"] = int(form.start.timestamp())
    return [b.entry("Start", ids.START, element, hint="Leave it empty to start at the approval.", optional=True)]


def _reason(role: Role | None, form: Form) -> Json:
    placeholder = "What is wrong, what you will do, how we will know that it worked"
    element = b.text_input(ids.REASON, form.reason, placeholder, most=policy.REASON_MAX, lines=True)
    hint = f"At least {role.reason_min} characters; the approvers and the audit log see it." if role else ""
    return b.entry("Why", ids.REASON, element, hint=hint)


def _ticket(role: Role, form: Form) -> Json:
    hint = role.ticket.hint if role.ticket else ""
    element = b.text_input(ids.TICKET, form.ticket, hint, most=policy.TICKET_MAX)
    return b.entry("Ticket", ids.block_of(ids.TICKET, role.id), element)
