# The function, with what it may do and where it logs.

locals {
  has_function = var.package != null

  settings = {
    for name, value in var.settings : "SESSION_${upper(name)}" => tostring(value) if value != null
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:the log holds no session value, id or key; CloudWatch encrypts it with a key of its own
  #checkov:skip=CKV_AWS_338:log_retention_days is an input; nobody's log is kept for a year unasked
  count = local.has_function ? 1 : 0

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_iam_role" "this" {
  count = local.has_function ? 1 : 0

  name = var.name
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "sessions" {
  count = local.has_function && local.has_table ? 1 : 0

  role       = aws_iam_role.this[0].name
  policy_arn = aws_iam_policy.this[0].arn
}

resource "aws_iam_role_policy" "log" {
  count = local.has_function ? 1 : 0

  name = "log"
  role = aws_iam_role.this[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Log"
      Effect = "Allow"
      Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
      # Lambda names the streams of its log group as it makes them.
      Resource = "${aws_cloudwatch_log_group.this[0].arn}:log-stream:*"
    }]
  })
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:tracing is for the program to turn on, and costs by request
  #checkov:skip=CKV_AWS_115:a limit of its own would be taken from the account's, for every other function
  #checkov:skip=CKV_AWS_116:whoever calls by HTTP waits for the answer, so there is no event to keep
  #checkov:skip=CKV_AWS_117:DynamoDB is reached by its public endpoint with IAM; a VPC adds nothing but a NAT gateway
  #checkov:skip=CKV_AWS_173:Lambda encrypts the environment with a key of its own
  #checkov:skip=CKV_AWS_272:signing needs a profile of the account's; the zip's hash is in the plan
  count = local.has_function ? 1 : 0

  function_name    = var.name
  role             = aws_iam_role.this[0].arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = var.handler
  runtime          = var.runtime
  architectures    = [var.architecture]
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds
  tags             = var.tags

  environment {
    variables = merge(var.environment, local.settings, { SESSION_STORE = local.store })
  }

  # Before the first invocation: Lambda would make a log group that nobody empties.
  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_iam_role_policy.log,
    aws_iam_role_policy_attachment.sessions,
  ]
}
