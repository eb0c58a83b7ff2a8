"""What a confirmed draft becomes: the request, whether its code is fresh enough, and why nobody has to be asked."""

from bot.core import policy, stepup
from bot.core.model import AccessRequest, RequestStatus, Review, Way
from bot.service.cases import Cases, to_be_asked
from bot.service.ports import Tx
from bot.service.records import Draft


def request_of(cases: Cases, draft: Draft, asking: policy.Asking) -> AccessRequest:
    """The request that an allowed ask becomes. Raises KeyError, ValueError for one that is not."""
    roles = [asking.catalogue.roles[item.role] for item in draft.ask.items]
    first, *more = cases.parts(asking.catalogue, asking.requester, draft.ask)
    way = policy.way_of(asking)
    rules = [role.break_glass for role in roles if role.break_glass and way is Way.BREAK_GLASS]
    return AccessRequest(
        id=draft.id,
        ask=draft.ask,
        status=RequestStatus.PENDING,
        asked_at=asking.now,
        lapses_at=asking.now + min(role.lapses_after for role in roles),
        principal=first.principal,
        policy=first.policy,
        catalogue_digest=asking.catalogue.digest,
        approvers_asked=to_be_asked(asking),
        channel=roles[0].channel or asking.catalogue.channel,
        quorum=max(role.quorum for role in roles),
        more_parts=tuple(more),
        way=way,
        review=Review(asking.now + min(rule.review_within for rule in rules)) if rules else None,
    )


def is_proved(tx: Tx, draft: Draft, asking: policy.Asking) -> bool:
    """Whether a code was typed for this, as fresh as each of its roles wants it."""
    digest, person = draft.digest(), asking.requester.id
    proof = tx.latest_step_up(person, digest) or tx.latest_step_up(person)
    roles = (asking.catalogue.roles[item.role] for item in draft.ask.items)
    return all(stepup.is_fresh(policy.ask_step_up(role, draft.ask), proof, digest, asking.now) for role in roles)


def grounds(asking: policy.Asking, way: Way) -> tuple[str, ...]:
    """Why nobody is asked, in the rules' words."""
    if way is Way.AUTOMATIC:
        reasons = policy.may_go_without_a_word(asking).reasons
        return tuple(reason.text for reason in reasons if reason.rule != "automatic")
    return () if way is Way.APPROVERS else (f"Nobody has to be asked first ({way}).",)
