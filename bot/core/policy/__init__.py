"""Who may ask, who may approve. Rules are functions over facts; all must be satisfied, an exception refuses.

A rule returns ``Reason``s. The verdict is allowed only when there is at least one and every one is satisfied, so
adding a rule can never widen it and the order of rules never matters. A rule whose fact is absent refuses, where the
role uses that rule.
"""

from bot.core.policy.approvers import (
    EVER,
    Standing,
    approver_set,
    may_revoke,
    slack_groups_of_approving,
    stage_sets,
    standing,
)
from bot.core.policy.approving import APPROVING, completes, is_enough_against, may_approve
from bot.core.policy.asking import ASKING, may_ask
from bot.core.policy.bundles import (
    bundle_of,
    choices,
    is_bundle,
    said_besides,
    size_of,
    spread_out,
    work_of_all,
    written_out,
)
from bot.core.policy.case import Approving, ApprovingRule, Asking, AskingRule, Rule, approve_step_up, ask_step_up
from bot.core.policy.explain import Explanation, StageView, TargetView, explain, filled_in, taken_for_granted
from bot.core.policy.facts import NOTHING, Away, Facts, Live, TicketFact
from bot.core.policy.hours import is_within, longest
from bot.core.policy.lengths import REASON_MAX, START_WITHIN
from bot.core.policy.offers import (
    accounts_offered,
    as_offered_to,
    ends_of_asking,
    is_eligible,
    may_use,
    offers_depend,
    roles_offered,
    slack_groups_of_asking,
)
from bot.core.policy.outlook import (
    Condition,
    Outlook,
    RoleOutlook,
    StageOutlook,
    Unknown,
    not_known,
    outlook,
    with_granted,
)
from bot.core.policy.possibilities import Possibility, who_can
from bot.core.policy.reviewing import may_not_review, reviewers
from bot.core.policy.targets import ITEMS_MOST
from bot.core.policy.tickets import TICKET_MAX
from bot.core.policy.verdict import Reason, Verdict
from bot.core.policy.ways import AUTOMATIC, GOES_ON, may_go_without_a_word, way_of

__all__ = [
    "APPROVING",
    "ASKING",
    "AUTOMATIC",
    "EVER",
    "GOES_ON",
    "ITEMS_MOST",
    "NOTHING",
    "REASON_MAX",
    "START_WITHIN",
    "TICKET_MAX",
    "Approving",
    "ApprovingRule",
    "Asking",
    "AskingRule",
    "Away",
    "Condition",
    "Explanation",
    "Facts",
    "Live",
    "Outlook",
    "Possibility",
    "Reason",
    "RoleOutlook",
    "Rule",
    "StageOutlook",
    "StageView",
    "Standing",
    "TargetView",
    "TicketFact",
    "Unknown",
    "Verdict",
    "accounts_offered",
    "approve_step_up",
    "approver_set",
    "as_offered_to",
    "ask_step_up",
    "bundle_of",
    "choices",
    "completes",
    "ends_of_asking",
    "explain",
    "filled_in",
    "is_bundle",
    "is_eligible",
    "is_enough_against",
    "is_within",
    "longest",
    "may_approve",
    "may_ask",
    "may_go_without_a_word",
    "may_not_review",
    "may_revoke",
    "may_use",
    "not_known",
    "offers_depend",
    "outlook",
    "reviewers",
    "roles_offered",
    "said_besides",
    "size_of",
    "slack_groups_of_approving",
    "slack_groups_of_asking",
    "spread_out",
    "stage_sets",
    "standing",
    "taken_for_granted",
    "way_of",
    "who_can",
    "with_granted",
    "work_of_all",
    "written_out",
]
