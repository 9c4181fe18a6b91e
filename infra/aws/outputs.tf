output "store" {
  description = "SESSION_STORE for a function of your own."
  value       = local.store
}

output "table_name" {
  description = "Name of the table; null with another store."
  value       = one(aws_dynamodb_table.this[*].name)
}

output "table_arn" {
  description = "ARN of the table; null with another store."
  value       = local.table_arn
}

output "policy_arn" {
  description = "ARN of the policy to attach to a role of your own; null with another store."
  value       = one(aws_iam_policy.this[*].arn)
}

output "policy_json" {
  description = "The policy's text; null with another store."
  value       = one(aws_iam_policy.this[*].policy)
}

output "function_name" {
  description = "Name of the function; null without package."
  value       = one(aws_lambda_function.this[*].function_name)
}

output "function_arn" {
  description = "ARN of the function; null without package."
  value       = one(aws_lambda_function.this[*].arn)
}

output "role_name" {
  description = "Name of the function's role, for policies of your own; null without package."
  value       = one(aws_iam_role.this[*].name)
}

output "log_group_name" {
  description = "Name of the function's log group; null without package."
  value       = one(aws_cloudwatch_log_group.this[*].name)
}

output "url" {
  description = "Where the function is reached; null without package or front door."
  value = one(concat(
    aws_apigatewayv2_stage.this[*].invoke_url,
    aws_lambda_function_url.this[*].function_url,
  ))
}
