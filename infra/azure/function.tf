# The function app, as whom it runs, and where its package lies.

locals {
  settings = {
    for name, value in var.settings : "SESSION_${upper(name)}" => tostring(value) if value != null
  }

  users = merge(
    var.principal_ids,
    { for identity in azurerm_user_assigned_identity.this : "the function" => identity.principal_id },
  )

  environment = merge(var.environment, local.settings, { SESSION_STORE = local.store }, local.signing_in)

  # As whom the library comes, and the host to storage of its own, without a key (Microsoft's
  # documentation of Azure Functions, "Connecting to host storage with an identity").
  signing_in = merge([
    for identity in azurerm_user_assigned_identity.this : {
      AZURE_CLIENT_ID                  = identity.client_id
      AzureWebJobsStorage__accountName = azurerm_storage_account.this.name
      AzureWebJobsStorage__credential  = "managedidentity"
      AzureWebJobsStorage__clientId    = identity.client_id
    }
  ]...)
}

resource "azurerm_user_assigned_identity" "this" {
  count = var.function_app ? 1 : 0

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

# The host reads its package, and keeps its timers' locks and its keys in containers of its own.
resource "azurerm_role_assignment" "host" {
  count = var.function_app ? 1 : 0

  scope                = azurerm_storage_account.this.id
  role_definition_name = "Storage Blob Data Owner"
  principal_id         = azurerm_user_assigned_identity.this[0].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_storage_container" "package" {
  #checkov:skip=CKV2_AZURE_21:the host alone reads its package; it is no secret of the visitors
  count = var.function_app ? 1 : 0

  name                  = "package"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_service_plan" "this" {
  #checkov:skip=CKV_AZURE_212:Flex Consumption has instances as there are requests
  #checkov:skip=CKV_AZURE_225:not every region with Flex Consumption has zones for it, and no session is lost with an instance
  count = var.function_app ? 1 : 0

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
  tags                = var.tags
}

# By Resource Manager: with an identity azurerm_function_app_flex_consumption writes an empty
# AzureWebJobsStorage, at which the host fails.
resource "azapi_resource" "function_app" {
  count = var.function_app ? 1 : 0

  type      = "Microsoft.Web/sites@2024-04-01"
  parent_id = split("/providers/", azurerm_storage_account.this.id)[0]
  name      = var.name
  location  = var.location
  tags      = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this[0].id]
  }

  body = {
    kind = "functionapp,linux"

    properties = {
      serverFarmId = azurerm_service_plan.this[0].id
      httpsOnly    = true

      functionAppConfig = {
        runtime = {
          name    = "python"
          version = var.runtime_version
        }

        scaleAndConcurrency = {
          instanceMemoryMB     = var.memory_mb
          maximumInstanceCount = var.max_instances
        }

        deployment = {
          storage = {
            type  = "blobContainer"
            value = "${azurerm_storage_account.this.primary_blob_endpoint}${azurerm_storage_container.package[0].name}"

            authentication = {
              type                           = "UserAssignedIdentity"
              userAssignedIdentityResourceId = azurerm_user_assigned_identity.this[0].id
            }
          }
        }
      }

      siteConfig = {
        minTlsVersion = "1.2"
        appSettings   = [for name, value in local.environment : { name = name, value = value }]
      }
    }
  }

  response_export_values = ["properties.defaultHostName"]

  depends_on = [
    azurerm_role_assignment.host,
    azurerm_role_assignment.sessions,
  ]
}

# Packages are published by whom Entra ID knows, not with a password of the app's.
resource "azapi_update_resource" "no_passwords" {
  for_each = var.function_app ? toset(["ftp", "scm"]) : []

  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01"
  parent_id = azapi_resource.function_app[0].id
  name      = each.key
  body      = { properties = { allow = false } }
}
