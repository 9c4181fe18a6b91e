# What takes requests from outside to the function.

locals {
  has_api = local.has_function && var.front_door == "http-api"
  has_url = local.has_function && var.front_door == "function-url"
}

resource "aws_apigatewayv2_api" "this" {
  count = local.has_api ? 1 : 0

  name          = var.name
  protocol_type = "HTTP"
  tags          = var.tags
}

resource "aws_apigatewayv2_integration" "this" {
  count = local.has_api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.this[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this[0].invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:a shop is open to everybody; who is logged in is what the session knows
  count = local.has_api ? 1 : 0

  api_id    = aws_apigatewayv2_api.this[0].id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.this[0].id}"
}

resource "aws_apigatewayv2_stage" "this" {
  #checkov:skip=CKV_AWS_76:the function logs what a request did; an access log would add visitors' addresses
  count = local.has_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.this[0].id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags
}

resource "aws_lambda_permission" "api" {
  count = local.has_api ? 1 : 0

  statement_id  = "InvokedByTheHttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[0].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this[0].execution_arn}/*/*"
}

# Without AWS_IAM a url needs statements that no provider before 6.28 can write (README).
resource "aws_lambda_function_url" "this" {
  count = local.has_url ? 1 : 0

  function_name      = aws_lambda_function.this[0].function_name
  authorization_type = "AWS_IAM"
}
