# The role that prodaccess assumes in this account to give and take inline policies, and nothing else.
# The same, statement for statement, as broker-role.yaml; README.md explains each choice.
# The policies are written as JSON, which HCL takes as it is.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "bot_principal_arn" {
  type        = string
  description = "ARN of the IAM role (or user) that prodaccess runs as."
  validation {
    condition     = can(regex("^arn:[a-z0-9-]+:iam::[0-9]{12}:(role|user)/.+$", var.bot_principal_arn))
    error_message = "Give the ARN of an IAM role or user."
  }
}

variable "external_id" {
  type        = string
  description = "The account's external_id in access.yaml."
  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/-]{8,}$", var.external_id))
    error_message = "Give at least 8 characters of A-Z a-z 0-9 + = , . @ : / -."
  }
}

variable "role_name" {
  type    = string
  default = "prodaccess-broker"
}

variable "target_path" {
  type        = string
  default     = "/"
  description = "IAM path of the users and roles that may be given access, such as /people/."
  validation {
    condition     = can(regex("^/([A-Za-z0-9+=,.@_-]+/)*$", var.target_path))
    error_message = "Begin and end with a slash."
  }
}

variable "require_boundary" {
  type        = bool
  default     = true
  description = "Give access only to users and roles that carry prodaccess-target-boundary."
}

variable "allow_lookups" {
  type        = bool
  default     = false
  description = "Let the broker list resources, for parameters with a lookup, and read tags, for owners who approve."
}

data "aws_partition" "here" {}
data "aws_caller_identity" "here" {}

locals {
  iam = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}"
  give_condition = {
    for operator in ["StringEquals"] : operator => {
      "iam:PermissionsBoundary" = aws_iam_policy.target_boundary.arn
    } if var.require_boundary
  }
}

resource "aws_iam_policy" "target_boundary" {
  name        = "prodaccess-target-boundary"
  description = "The most that a person can do with what prodaccess gives. Attach it as permissions boundary."
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "AnythingThatIsGranted",
        "Effect" : "Allow",
        "Action" : ["*"],
        "Resource" : ["*"]
      },
      {
        "Sid" : "ButNoOtherRights",
        "Effect" : "Deny",
        "Action" : [
          "account:*",
          "iam:AddUserToGroup",
          "iam:Attach*",
          "iam:CreatePolicy*",
          "iam:CreateRole",
          "iam:CreateUser",
          "iam:Delete*Policy",
          "iam:Delete*PermissionsBoundary",
          "iam:Detach*",
          "iam:PassRole",
          "iam:Put*",
          "iam:SetDefaultPolicyVersion",
          "iam:UpdateAssumeRolePolicy",
          "organizations:*"
        ],
        "Resource" : ["*"]
      },
      {
        "Sid" : "NobodyElsesCredentials",
        "Effect" : "Deny",
        "Action" : [
          "iam:CreateAccessKey",
          "iam:CreateLoginProfile",
          "iam:CreateServiceSpecificCredential",
          "iam:DeactivateMFADevice",
          "iam:ResetServiceSpecificCredential",
          "iam:UpdateAccessKey",
          "iam:UpdateLoginProfile",
          "iam:UploadSSHPublicKey",
          "iam:UploadSigningCertificate"
        ],
        "NotResource" : [
          "arn:*:iam::*:user/$${aws:username}",
          "arn:*:iam::*:user/*/$${aws:username}"
        ]
      }
    ]
  })
}

resource "aws_iam_policy" "broker_boundary" {
  name        = "prodaccess-broker-boundary"
  description = "The most that the broker can ever do, whatever is attached to it."
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "InlinePoliciesOnly",
        "Effect" : "Allow",
        "Action" : [
          "iam:DeleteRolePolicy",
          "iam:DeleteUserPolicy",
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:GetUser",
          "iam:GetUserPolicy",
          "iam:ListRolePolicies",
          "iam:ListUserPolicies",
          "iam:PutRolePolicy",
          "iam:PutUserPolicy"
        ],
        "Resource" : ["${local.iam}:role/*", "${local.iam}:user/*"]
      },
      {
        "Sid" : "NamesAndTagsOnly",
        "Effect" : "Allow",
        "Action" : [
          "dynamodb:ListTables",
          "ec2:DescribeInstances",
          "ecs:ListClusters",
          "eks:ListClusters",
          "kms:ListAliases",
          "lambda:ListFunctions",
          "logs:DescribeLogGroups",
          "rds:DescribeDBInstances",
          "s3:ListAllMyBuckets",
          "secretsmanager:ListSecrets",
          "sqs:ListQueues",
          "tag:GetResources"
        ],
        "Resource" : ["*"]
      },
      {
        "Sid" : "NeverItself",
        "Effect" : "Deny",
        "Action" : ["iam:*"],
        "Resource" : ["${local.iam}:role/${var.role_name}", "${local.iam}:policy/prodaccess-*", "${var.bot_principal_arn}"]
      },
      {
        "Sid" : "NeverWider",
        "Effect" : "Deny",
        "Action" : [
          "iam:AddUserToGroup",
          "iam:Attach*",
          "iam:Create*",
          "iam:Delete*PermissionsBoundary",
          "iam:Detach*",
          "iam:PassRole",
          "iam:Put*PermissionsBoundary",
          "iam:SetDefaultPolicyVersion",
          "iam:Update*",
          "sts:AssumeRole"
        ],
        "Resource" : ["*"]
      }
    ]
  })
}

resource "aws_iam_role" "broker" {
  name                 = var.role_name
  description          = "Assumed by prodaccess to give and take temporary access."
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.broker_boundary.arn
  assume_role_policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "TheBotWithTheExternalId",
        "Effect" : "Allow",
        "Principal" : { "AWS" : "${var.bot_principal_arn}" },
        "Action" : ["sts:AssumeRole"],
        "Condition" : {
          "StringEquals" : { "sts:ExternalId" : "${var.external_id}" },
          "StringLike" : { "sts:RoleSessionName" : "prodaccess-*" }
        }
      },
      {
        "Sid" : "MayNameThePerson",
        "Effect" : "Allow",
        "Principal" : { "AWS" : "${var.bot_principal_arn}" },
        "Action" : ["sts:SetSourceIdentity"]
      }
    ]
  })
}

resource "aws_iam_role_policy" "broker" {
  name = "broker"
  role = aws_iam_role.broker.name
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "Look",
        "Effect" : "Allow",
        "Action" : [
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:GetUser",
          "iam:GetUserPolicy",
          "iam:ListRolePolicies",
          "iam:ListUserPolicies"
        ],
        "Resource" : ["${local.iam}:role${var.target_path}*", "${local.iam}:user${var.target_path}*"]
      },
      {
        "Sid" : "Take",
        "Effect" : "Allow",
        "Action" : ["iam:DeleteRolePolicy", "iam:DeleteUserPolicy"],
        "Resource" : ["${local.iam}:role${var.target_path}*", "${local.iam}:user${var.target_path}*"]
      },
      {
        "Sid" : "Give",
        "Effect" : "Allow",
        "Action" : ["iam:PutRolePolicy", "iam:PutUserPolicy"],
        "Resource" : ["${local.iam}:role${var.target_path}*", "${local.iam}:user${var.target_path}*"],
        "Condition" : "${local.give_condition}"
      },
      {
        "Sid" : "NeverItself",
        "Effect" : "Deny",
        "Action" : ["iam:*"],
        "Resource" : ["${local.iam}:role/${var.role_name}", "${local.iam}:policy/prodaccess-*", "${var.bot_principal_arn}"]
      }
    ]
  })
}

resource "aws_iam_role_policy" "broker_lookups" {
  count = var.allow_lookups ? 1 : 0
  name  = "broker-lookups"
  role  = aws_iam_role.broker.name
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "NamesAndTagsOnly",
        "Effect" : "Allow",
        "Action" : [
          "dynamodb:ListTables",
          "ec2:DescribeInstances",
          "ecs:ListClusters",
          "eks:ListClusters",
          "kms:ListAliases",
          "lambda:ListFunctions",
          "logs:DescribeLogGroups",
          "rds:DescribeDBInstances",
          "s3:ListAllMyBuckets",
          "secretsmanager:ListSecrets",
          "sqs:ListQueues",
          "tag:GetResources"
        ],
        "Resource" : ["*"]
      }
    ]
  })
}

output "broker_role_arn" {
  description = "The account's broker_role in access.yaml."
  value       = aws_iam_role.broker.arn
}

output "target_boundary_arn" {
  description = "The permissions boundary for people's users and roles."
  value       = aws_iam_policy.target_boundary.arn
}
