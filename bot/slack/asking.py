"""Asking: the form, the typed form, the code that confirms, and what came of it."""

from dataclasses import replace
from datetime import timedelta

from bot.core import policy, stepup
from bot.core.decisions import Refusal
from bot.core.model import Catalogue, StepUpRule
from bot.core.policy import Verdict
from bot.service.proof import REFUSED
from bot.service.records import Draft
from bot.slack import blocks as b
from bot.slack import ids, payloads, views
from bot.slack.form import Form, Problems, on_blocks, problems_of, read, to_ask
from bot.slack.payloads import Click, Line, Lookup, Submitted
from bot.slack.replies import Answer, Caller, Open, Replace, Replies, tell
from bot.slack.typed import USAGE, parse
from bot.slack.views_lookup import looked_up_options
from bot.slack.views_request import account_options, choice_options, request_form, role_options, settled, work_options

ENROL_FIRST = "🔑 Set up your authenticator first: nothing is asked for or approved without it."
NOTHING_OFFERED = "No role is offered to you. An admin can add you in access.yaml."
TOO_LATE = "This was too long ago. Ask again."


def enrol_first() -> Replies:
    """How to enrol."""
    return (tell(ENROL_FIRST, b.actions(b.button("Set up", ids.ENROL, style="primary"))),)


# --- the form --------------------------------------------------------------------------------------------


def open_form(caller: Caller, form: Form | None = None) -> Replies:
    """The form, empty or filled in."""
    catalogue = caller.desk.access.offer_to(caller.person)
    roles = policy.roles_offered(catalogue, caller.person)
    if not roles:
        return (tell(NOTHING_OFFERED),)
    codes_wanted = all(role.ask_step_up.rule is not StepUpRule.NEVER for role in roles)
    if codes_wanted and not caller.desk.enrolments.is_enrolled(caller.person.id):
        return enrol_first()
    return (Open(_form_view(caller, catalogue, form or Form())),)


def ask(caller: Caller, _: Click) -> Replies:
    """The button that opens the form."""
    return open_form(caller)


def ask_again(caller: Caller, click: Click) -> Replies:
    """The form, filled in from an earlier request or draft of the same person."""
    form = _earlier(caller, click.value)
    if form is None:
        return (tell(TOO_LATE),)
    if click.origin.view:
        return (Replace(_form_view(caller, caller.desk.access.offer_to(caller.person), form)),)
    return open_form(caller, form)


def _earlier(caller: Caller, subject: str) -> Form | None:
    request = caller.desk.access.request(subject)
    if request is not None:
        return Form.of(request.ask) if request.ask.requester == caller.person.id else None
    draft = caller.desk.access.find_draft(subject, caller.person)
    if draft is None:
        return None
    return replace(Form.of(draft.ask), start=draft.ask.start_at, break_glass=draft.ask.break_glass)


def choose(caller: Caller, click: Click) -> Replies:
    """Something was chosen: show the fields that go with it, and what will become of it."""
    form, _ = read(click.view)
    view = _form_view(caller, caller.desk.access.offer_to(caller.person), form)
    return (Replace(view, seen=str(click.view.get("hash") or "")),)


def _form_view(caller: Caller, offered: Catalogue, form: Form) -> b.Json:
    """The form with what will become of it, as far as that is known without asking anybody."""
    filled = settled(offered, caller.person, form)
    asked, unread = to_ask(filled, caller.person, offered)
    blank = {name for name, value in ((ids.ACCOUNT, filled.account), (ids.WORK, filled.work)) if not value}
    blank |= {name for name, _ in unread}
    outlook = caller.desk.explaining.outlook(offered, caller.person, asked, blank)
    return request_form(offered, caller.person, filled, outlook, unlisted=_unlisted(caller, offered, filled))


def _unlisted(caller: Caller, offered: Catalogue, form: Form) -> frozenset[str]:
    """Of the form's parameters, those whose choices cannot be listed in its account just now."""
    role, account = offered.roles.get(form.role), offered.accounts.get(form.account)
    return caller.desk.lookups.unavailable(role, account) if role and account else frozenset()


def submit_form(caller: Caller, sent: Submitted) -> Answer:
    """Every problem below its field, or the confirmation."""
    access = caller.desk.access
    form, too_long = read(sent.view)
    asked, unread = to_ask(form, caller.person, access.catalogue())
    problems: Problems = {**unread, **too_long}
    if problems:
        verdict = access.judge(caller.person, asked)
        return _problems({**problems_of(verdict), **problems}, sent)
    drafted = access.draft(caller.person, asked)
    if isinstance(drafted, Verdict):
        return _problems(problems_of(drafted), sent)
    view = confirmation(caller, drafted, "Back" if sent.is_root else "")
    # Slack stacks three modals at most: a form that is not the first gives way to its confirmation.
    return Answer(push=view) if sent.is_root else Answer(update=view)


def _problems(problems: Problems, sent: Submitted) -> Answer:
    """Below their fields; where there are none, in the form's place."""
    if payloads.block_ids(sent.view):
        return Answer(errors=on_blocks(problems, sent.view))
    listed = "\n".join(f"• {b.esc(text, 400)}" for text in [*problems.values()][:6])
    return Answer(update=views.notice("Not sent", f"⚠️ *Nothing was sent.*\n{listed}", clears=True))


def confirmation(caller: Caller, draft: Draft, close: str = "") -> b.Json:
    """Exactly what is about to be asked for, and the code where one is needed."""
    with_code = needs_code(caller, draft)
    if with_code and not caller.desk.enrolments.is_enrolled(caller.person.id):
        return views.notice("Authenticator needed", ENROL_FIRST + f" Type `{ids.COMMAND} enrol`.")
    return views.confirmation(draft.id, draft.ask, caller.desk.access.catalogue(), with_code=with_code, close=close)


def needs_code(caller: Caller, draft: Draft) -> bool:
    """Whether a code has to be typed for this draft: each time, or because no proof is fresh enough."""
    access = caller.desk.access
    known = access.catalogue().roles
    roles = [known[item.role] for item in draft.ask.items if item.role in known]
    wanted = [policy.ask_step_up(role, draft.ask) for role in roles]
    if len(roles) < len(draft.ask.items) or any(each.rule is StepUpRule.ALWAYS for each in wanted):
        return True
    digest = draft.digest()
    with access.store.transaction() as tx:
        now = tx.now()
        proof = tx.latest_step_up(caller.person.id, digest) or tx.latest_step_up(caller.person.id)
    # A margin, so that what is fresh when shown still is when it is sent a minute later.
    return not all(stepup.is_fresh(each, proof, digest, now + timedelta(minutes=1)) for each in wanted)


# --- the typed form --------------------------------------------------------------------------------------


def typed(caller: Caller, line: Line) -> Replies:
    """A complete line goes straight to its confirmation; else what is wrong with it, and nothing typed is lost."""
    access = caller.desk.access
    catalogue, now = access.offer_to(caller.person), access.store.ping()
    understood = parse(line.text, catalogue, caller.person, now)
    asked, unread = to_ask(understood.form, caller.person, catalogue)
    problems = [*understood.problems]
    if not problems:
        problems += unread.values()
        drafted = access.judge(caller.person, asked) if problems else access.draft(caller.person, asked)
        if isinstance(drafted, Draft):
            return (Open(confirmation(caller, drafted)),)
        problems += [text for key, text in problems_of(drafted).items() if key not in unread]
    readable = not unread or (ids.DURATION, "") not in unread
    kept = asked if readable else replace(asked, duration=timedelta(0))
    with access.store.transaction() as tx:
        draft = Draft(access.ids.new("r"), caller.person.id, kept, tx.now())
        tx.save_draft(draft)
    return _not_understood(problems, line.text, draft.id)


def _not_understood(problems: list[str], text: str, draft_id: str) -> Replies:
    listed = "\n".join(f"• {b.esc(problem, 400)}" for problem in problems[:6])
    told = tell(
        f"⚠️ *Nothing was sent.*\n{listed}",
        *b.quote(f"{ids.COMMAND} {text}", "You typed"),
        b.context(f"Write it like `{USAGE}`"),
        b.actions(b.button("Open the form", ids.ASK_AGAIN, draft_id, "primary")),
    )
    return (told,)


# --- confirming ------------------------------------------------------------------------------------------


def submit_confirm(caller: Caller, sent: Submitted) -> Answer:
    """Check the code inside the ack; ask the cloud and send the request after it."""
    access = caller.desk.access
    draft = access.find_draft(sent.subject, caller.person)
    if draft is None:
        return Answer(update=views.notice("Too late", TOO_LATE, clears=True))
    if ids.CODE in payloads.block_ids(sent.view):
        code = payloads.entered(sent.view, ids.CODE)
        if access.codes.verify(caller.person.id, code, draft.digest(), caller.actor) is None:
            return Answer(errors={ids.CODE: REFUSED})
    elif needs_code(caller, draft):
        return Answer(update=confirmation(caller, draft))
    return Answer(update=views.checking(), then=lambda: send(caller, draft))


def send(caller: Caller, draft: Draft) -> Replies:
    """Ask the cloud, send the request, and say what came of it."""
    access = caller.desk.access
    reasons = access.preflight(draft, caller.person)
    if reasons:
        return (Replace(views.not_sent(reasons, draft.id)),)
    outcome = access.submit(draft, caller.person, caller.actor)
    request = access.request(draft.id)
    if isinstance(outcome, Refusal) and (outcome.code != "late" or request is None):
        return (Replace(views.not_sent([outcome.text], draft.id)),)
    if request is None:
        return (Replace(views.not_sent([TOO_LATE], draft.id)),)
    asked = caller.desk.queries.asked_now(request)
    shown = replace(request, approvers_asked=asked)
    return (Replace(views.sent(shown, access.catalogue(), caller.desk.queries.names(*asked))),)


# --- menus -----------------------------------------------------------------------------------------------


def options(caller: Caller, wanted: Lookup) -> list[b.Json]:
    """Roles, accounts or choices, of those that this person may ask for."""
    catalogue = caller.desk.access.offer_to(caller.person)
    name, role_id, parameter_id = ids.parts_of(wanted.block)
    roles = policy.choices(catalogue, caller.person)
    if name == ids.ROLE:
        return role_options(roles, wanted.text)
    role = next((role for role in roles if role.id == role_id), None)
    if role is None:
        return []
    if name == ids.ACCOUNT:
        offered = policy.accounts_offered(catalogue, role, caller.person)
        return account_options([catalogue.accounts[account] for account in offered], wanted.text)
    if name == ids.WORK:
        return work_options(catalogue, role, wanted.text)
    parameter = next((p for p in role.parameters if p.id == parameter_id), None)
    if parameter is None or parameter.lookup is None:
        return choice_options(parameter, wanted.text) if parameter else []
    account = ids.account_of(wanted.block)
    if account not in policy.accounts_offered(catalogue, role, caller.person):
        return []
    found = caller.desk.lookups.choices(role, catalogue.accounts[account], parameter)
    return looked_up_options(parameter, found, wanted.text)
