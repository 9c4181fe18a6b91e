output "store" {
  description = "SESSION_STORE for a function of your own."
  value       = local.store
}

output "database_name" {
  description = "Name of the database; null with another store."
  value       = local.database
}

output "function_name" {
  description = "Name of the function; null without package."
  value       = one(google_cloudfunctions2_function.this[*].name)
}

output "service_account_email" {
  description = "The account the function runs as, for roles of your own; null without package."
  value       = one(google_service_account.this[*].email)
}

output "url" {
  description = "Where the function is reached, with nothing before its paths; null without package."
  value       = one(google_cloudfunctions2_function.this[*].service_config[0].uri)
}
