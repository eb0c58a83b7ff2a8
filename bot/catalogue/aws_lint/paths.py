"""Ways from some actions to more permissions than were granted."""

from dataclasses import dataclass

from bot.catalogue.problems import Severity

PASSING = "iam:passrole"
_BY_CODE = "leave it to your infrastructure code"


@dataclass(frozen=True, slots=True)
class Way:
    """What somebody reaches who may do one action of each set in ``needs``."""

    needs: tuple[frozenset[str], ...]
    """In lower case; the finding is shown at the first."""
    reaches: str
    hint: str = _BY_CODE
    service: str = ""
    """Who takes on the role, where one has to be passed, as ``iam:PassedToService`` has it."""
    severity: Severity = Severity.ERROR
    """A warning where what is reached ends with the grant and belongs to resources that the role can name."""


def _one(actions: str, reaches: str, hint: str = _BY_CODE) -> tuple[Way, ...]:
    return tuple(Way((frozenset({action.casefold()}),), reaches, hint) for action in actions.split())


def _of_resource(actions: str, reaches: str, hint: str) -> tuple[Way, ...]:
    return tuple(
        Way((frozenset({action.casefold()}),), reaches, hint, severity=Severity.WARNING) for action in actions.split()
    )


def _passed(service: str, does: str, *needs: str) -> Way:
    """Each of ``needs`` is one action, or several of which one is enough."""
    found = tuple(frozenset(each.casefold().split()) for each in needs)
    hint = "leave iam:PassRole out: start what exists already, with the role that it has"
    return Way(found, f"{does} a role that is handed over", hint, f"{service}.amazonaws.com")


_IDENTITIES = (
    *_one("iam:PutUserPolicy iam:PutRolePolicy iam:PutGroupPolicy", "writes any permission into an inline policy"),
    *_one("iam:AttachUserPolicy iam:AttachRolePolicy iam:AttachGroupPolicy", "attaches AdministratorAccess, too"),
    *_one("iam:CreatePolicyVersion", "rewrites a policy that somebody, perhaps the holder, already has"),
    *_one("iam:SetDefaultPolicyVersion", "brings an older and perhaps wider version of a policy back"),
    *_one("iam:AddUserToGroup", "takes on all that a group may"),
    *_one("iam:UpdateAssumeRolePolicy", "lets the holder take on a role, after the grant too"),
    *_one("iam:CreateAccessKey iam:CreateServiceSpecificCredential", "makes credentials that do not end"),
    *_one("iam:CreateLoginProfile iam:UpdateLoginProfile", "sets a console password that does not end"),
    *_one("iam:DeactivateMFADevice iam:DeleteVirtualMFADevice", "takes somebody's second factor away"),
    *_one(
        "iam:DeleteUserPermissionsBoundary iam:DeleteRolePermissionsBoundary", "removes what keeps a principal small"
    ),
    *_one("iam:PutUserPermissionsBoundary iam:PutRolePermissionsBoundary", "moves what keeps a principal small"),
    *_one("iam:DeleteUserPolicy iam:DeleteRolePolicy iam:DetachUserPolicy iam:DetachRolePolicy", "removes denials"),
    *_one("iam:CreateSAMLProvider iam:UpdateSAMLProvider iam:CreateOpenIDConnectProvider", "decides who can sign in"),
    *_one("iam:CreatePolicy iam:CreateRole iam:CreateUser", "makes what does not end with the grant"),
    *_one("sso:CreateAccountAssignment sso:PutInlinePolicyToPermissionSet", "gives access in Identity Center"),
    *_one("sso:AttachManagedPolicyToPermissionSet", "gives access in Identity Center"),
    *_one("eks:CreateAccessEntry eks:AssociateAccessPolicy", "makes the holder an administrator of the cluster"),
    *_one("kms:PutKeyPolicy kms:CreateGrant", "gives use of the key that does not end with the grant"),
    *_one("s3:PutBucketPolicy s3:PutBucketAcl secretsmanager:PutResourcePolicy", "opens data beyond the grant's end"),
    *_one("sts:GetFederationToken", "makes a session of up to 36 hours"),
)
_RUN = "start what is there, and leave out the action that changes it"
_RESOURCES = (
    *_of_resource(
        "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration", "runs code as the function's role", _RUN
    ),
    *_of_resource("glue:UpdateDevEndpoint glue:UpdateJob", "runs code as the job's role", _RUN),
    *_of_resource("codebuild:StartBuild codebuild:StartBuildBatch", "runs commands as the project's role", _RUN),
    *_of_resource("codebuild:UpdateProject", "runs commands as the project's role", _RUN),
    *_of_resource("cloudformation:UpdateStack cloudformation:ExecuteChangeSet", "does what the stack's role may", _RUN),
    *_of_resource("ssm:SendCommand ssm:StartSession", "gives what the instance's role may", "name one document"),
    *_of_resource("ec2-instance-connect:SendSSHPublicKey", "gives what the instance's role may", "name the instances"),
    *_of_resource("ec2:ModifyInstanceAttribute", "runs code at the next start", "add a condition on ec2:Attribute"),
    *_of_resource("ecs:ExecuteCommand", "gives what the task's role may", "name the cluster and its tasks"),
    *_of_resource("sagemaker:CreatePresignedNotebookInstanceUrl", "gives what the notebook's role may", _BY_CODE),
)
_INVOKES = (
    "lambda:InvokeFunction lambda:InvokeAsync lambda:CreateEventSourceMapping lambda:AddPermission"
    " lambda:CreateFunctionUrlConfig"
)
_PASSED = (
    _passed("lambda", "runs code as", "lambda:CreateFunction", _INVOKES),
    _passed("ec2", "starts an instance with", "ec2:RunInstances ec2:RequestSpotInstances ec2:RequestSpotFleet"),
    _passed("ec2", "gives to an instance", "ec2:AssociateIamInstanceProfile ec2:ReplaceIamInstanceProfileAssociation"),
    _passed("cloudformation", "creates anything as", "cloudformation:CreateStack cloudformation:CreateStackSet"),
    _passed(
        "cloudformation", "creates anything as", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"
    ),
    _passed("glue", "runs code as", "glue:CreateDevEndpoint glue:CreateSession"),
    _passed("glue", "runs code as", "glue:CreateJob", "glue:StartJobRun glue:CreateTrigger"),
    _passed("sagemaker", "runs code as", "sagemaker:CreateNotebookInstance sagemaker:CreateTrainingJob"),
    _passed("sagemaker", "runs code as", "sagemaker:CreateProcessingJob"),
    _passed(
        "codebuild", "runs commands as", "codebuild:CreateProject", "codebuild:StartBuild codebuild:StartBuildBatch"
    ),
    _passed("ecs-tasks", "runs a container as", "ecs:RunTask ecs:StartTask ecs:CreateService ecs:UpdateService"),
    _passed("states", "makes any call as", "states:CreateStateMachine states:UpdateStateMachine"),
    _passed("datapipeline", "runs commands as", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
    _passed("ssm", "makes any call as", "ssm:StartAutomationExecution"),
    _passed("scheduler", "makes any call as", "scheduler:CreateSchedule scheduler:UpdateSchedule"),
    _passed("tasks.apprunner", "runs a container as", "apprunner:CreateService"),
)
WAYS: tuple[Way, ...] = (*_IDENTITIES, *_RESOURCES, *_PASSED)
"""After Rhino Security Labs' list of escalations, and what else outlives a grant."""
KNOWN = frozenset(action for way in (*_IDENTITIES, *_RESOURCES) for each in way.needs for action in each) | {PASSING}
"""Actions of which a finding of their own tells more than that they manage permissions."""
