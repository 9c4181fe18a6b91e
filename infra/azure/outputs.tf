output "store" {
  description = "SESSION_STORE for a function of your own."
  value       = local.store
}

output "storage_account_name" {
  description = "Name of the storage account."
  value       = azurerm_storage_account.this.name
}

output "table_id" {
  description = "Resource ID of the table, the scope for roles of your own; null with another store."
  value       = one(azapi_resource.table[*].id)
}

output "function_app_name" {
  description = "Name of the function app, to publish its package to; null without function_app."
  value       = one(azapi_resource.function_app[*].name)
}

output "principal_id" {
  description = "Whom the function app runs as, for roles of your own; null without function_app."
  value       = one(azurerm_user_assigned_identity.this[*].principal_id)
}

output "url" {
  description = "Where the function app is reached; null without function_app."
  value       = one([for app in azapi_resource.function_app : "https://${app.output.properties.defaultHostName}/"])
}
