# The table, and the policy for whoever uses it.

locals {
  # The library's names (serverless_sessions_adapters/_dynamodb_table.py); a test compares them.
  key_attribute = "id"
  ttl_attribute = "ttl"

  # What the library calls while it serves requests. Transactions need no actions of their own.
  data_actions = [
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
  ]

  # In this order, as checkov takes a comparison with null for false, and would skip the table.
  has_other_store = var.store != null
  has_table       = !local.has_other_store

  table_arn = one(aws_dynamodb_table.this[*].arn)
  store     = local.has_table ? "dynamodb://${one(aws_dynamodb_table.this[*].name)}" : var.store
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_28:point_in_time_recovery is an input; a restored table revives ended sessions, so it is off
  count = local.has_table ? 1 : 0

  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = local.key_attribute
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = local.key_attribute
    type = "S"
  }

  ttl {
    attribute_name = local.ttl_attribute
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn[*]

    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}

resource "aws_iam_policy" "this" {
  count = local.has_table ? 1 : 0

  name        = var.name
  description = "What serverless-sessions calls on the table ${var.name}."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Sessions"
        Effect   = "Allow"
        Action   = local.data_actions
        Resource = local.table_arn
      }],
      [for key in var.kms_key_arn[*] : {
        Sid      = "KeyOfTheTable"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey"]
        Resource = key
        Condition = {
          StringEquals = { "kms:ViaService" = "dynamodb.${split(":", key)[3]}.amazonaws.com" }
        }
      }]
    )
  })
}
