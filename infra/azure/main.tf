# The storage account, the table, and who may use it.

locals {
  # The library's name (serverless_sessions_adapters/azure_tables.py); a test compares them.
  table = "sessions"

  has_table = var.store == null
  store     = local.has_table ? "azure-tables://${azurerm_storage_account.this.name}/${local.table}" : var.store
}

# With another store it still has what the function's host keeps: its package and its timers' locks.
resource "azurerm_storage_account" "this" {
  #checkov:skip=CKV_AZURE_59:the function comes by the public endpoint, and only Entra ID lets it in; a VNet is for whoever has one
  #checkov:skip=CKV2_AZURE_33:the same
  #checkov:skip=CKV_AZURE_206:replication is an input; ZRS keeps three copies, and a copy in a second region may revive ended sessions
  #checkov:skip=CKV_AZURE_33:nothing uses the account's queues
  #checkov:skip=CKV2_AZURE_38:blobs are the package and the host's own, made again by publishing; tables have no soft delete
  #checkov:skip=CKV2_AZURE_1:Azure encrypts the account with a key of its own
  name                     = var.storage_account_name
  resource_group_name      = var.resource_group_name
  location                 = var.location
  account_tier             = "Standard"
  account_replication_type = var.replication

  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  min_tls_version                 = "TLS1_2"
  allow_nested_items_to_be_public = false
  local_user_enabled              = false

  tags = var.tags
}

# By Resource Manager: azurerm_storage_table signs in with the account's key, of which there is none.
resource "azapi_resource" "table" {
  count = local.has_table ? 1 : 0

  type      = "Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01"
  parent_id = "${azurerm_storage_account.this.id}/tableServices/default"
  name      = local.table
  body      = {}
}

resource "azurerm_role_assignment" "sessions" {
  for_each = local.has_table ? local.users : {}

  scope                = azapi_resource.table[0].id
  role_definition_name = "Storage Table Data Contributor"
  principal_id         = each.value
  principal_type       = "ServicePrincipal"
}
