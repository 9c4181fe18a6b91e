# What the module makes of its inputs, without AWS.

mock_provider "aws" {
  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/sessions" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/sessions" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/sessions" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/sessions" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:sessions" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://a1b2c3d4e5.lambda-url.eu-west-1.on.aws/" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5" }
  }

  mock_resource "aws_apigatewayv2_stage" {
    defaults = { invoke_url = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/" }
  }
}

run "by_default_a_protected_table_and_no_function" {
  assert {
    condition = (
      aws_dynamodb_table.this[0].name == "sessions" &&
      aws_dynamodb_table.this[0].billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.this[0].deletion_protection_enabled &&
      aws_dynamodb_table.this[0].hash_key == "id" &&
      aws_dynamodb_table.this[0].ttl[0].enabled &&
      aws_dynamodb_table.this[0].ttl[0].attribute_name == "ttl" &&
      !aws_dynamodb_table.this[0].point_in_time_recovery[0].enabled &&
      length(aws_dynamodb_table.this[0].server_side_encryption) == 0
    )
    error_message = "the table"
  }

  assert {
    condition     = output.store == "dynamodb://sessions" && output.policy_arn != null
    error_message = "what a function of one's own needs"
  }

  assert {
    condition = (
      length(aws_lambda_function.this) == 0 && length(aws_iam_role.this) == 0 &&
      length(aws_cloudwatch_log_group.this) == 0 && output.url == null
    )
    error_message = "no function without a package"
  }

  assert {
    condition = jsondecode(output.policy_json).Statement == [{
      Sid    = "Sessions"
      Effect = "Allow"
      Action = [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ]
      Resource = aws_dynamodb_table.this[0].arn
    }]
    error_message = "the policy is for the table alone"
  }
}

run "a_key_and_recovery_where_asked_for" {
  variables {
    name                   = "carts"
    deletion_protection    = false
    point_in_time_recovery = true
    kms_key_arn            = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c"
    tags                   = { team = "shop" }
  }

  assert {
    condition = (
      !aws_dynamodb_table.this[0].deletion_protection_enabled &&
      aws_dynamodb_table.this[0].point_in_time_recovery[0].enabled &&
      aws_dynamodb_table.this[0].server_side_encryption[0].kms_key_arn == var.kms_key_arn &&
      aws_dynamodb_table.this[0].tags.team == "shop"
    )
    error_message = "the table"
  }

  assert {
    condition = jsondecode(output.policy_json).Statement[1] == {
      Sid      = "KeyOfTheTable"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey"]
      Resource = var.kms_key_arn
      Condition = {
        StringEquals = { "kms:ViaService" = "dynamodb.eu-west-1.amazonaws.com" }
      }
    }
    error_message = "the key is for DynamoDB's use alone"
  }
}

run "a_function_behind_an_http_api" {
  variables {
    package     = "versions.tf"
    handler     = "cart.aws_lambda.handler"
    environment = { GREETING = "hello" }
    settings    = { idle_timeout = 60, cookie_persistent = true, store_timeout = 1.5 }
  }

  assert {
    condition = aws_lambda_function.this[0].environment[0].variables == tomap({
      SESSION_STORE             = "dynamodb://sessions"
      SESSION_IDLE_TIMEOUT      = "60"
      SESSION_COOKIE_PERSISTENT = "true"
      SESSION_STORE_TIMEOUT     = "1.5"
      GREETING                  = "hello"
    })
    error_message = "the environment"
  }

  assert {
    condition = (
      aws_lambda_function.this[0].runtime == "python3.13" &&
      aws_lambda_function.this[0].architectures == tolist(["arm64"]) &&
      aws_lambda_function.this[0].source_code_hash == filebase64sha256("versions.tf") &&
      aws_cloudwatch_log_group.this[0].name == "/aws/lambda/sessions" &&
      aws_cloudwatch_log_group.this[0].retention_in_days == 30
    )
    error_message = "the function and its log"
  }

  assert {
    condition = (
      jsondecode(aws_iam_role_policy.log[0].policy).Statement[0].Resource ==
      "${aws_cloudwatch_log_group.this[0].arn}:log-stream:*" &&
      aws_iam_role_policy_attachment.sessions[0].policy_arn == aws_iam_policy.this[0].arn
    )
    error_message = "the role"
  }

  assert {
    condition = (
      aws_apigatewayv2_integration.this[0].payload_format_version == "2.0" &&
      length(aws_lambda_function_url.this) == 0 &&
      output.url == "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/"
    )
    error_message = "the front door"
  }
}

run "a_function_url_only_for_callers_that_sign" {
  variables {
    package      = "versions.tf"
    handler      = "app.handler"
    architecture = "x86_64"
    front_door   = "function-url"
  }

  assert {
    condition = (
      aws_lambda_function_url.this[0].authorization_type == "AWS_IAM" &&
      length(aws_apigatewayv2_api.this) == 0 && length(aws_lambda_permission.api) == 0 &&
      output.url == "https://a1b2c3d4e5.lambda-url.eu-west-1.on.aws/"
    )
    error_message = "the front door"
  }
}

run "another_store_needs_no_table" {
  variables {
    package     = "versions.tf"
    handler     = "app.handler"
    front_door  = "none"
    store       = "upstash://"
    environment = { UPSTASH_REDIS_REST_URL = "https://a.upstash.io", UPSTASH_REDIS_REST_TOKEN = "secret" }
  }

  assert {
    condition = (
      length(aws_dynamodb_table.this) == 0 && length(aws_iam_policy.this) == 0 &&
      length(aws_iam_role_policy_attachment.sessions) == 0 && output.table_name == null &&
      aws_lambda_function.this[0].environment[0].variables.SESSION_STORE == "upstash://" &&
      output.url == null
    )
    error_message = "the function alone"
  }
}
