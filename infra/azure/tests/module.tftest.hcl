# What the module makes of its inputs, without Azure.

mock_provider "azurerm" {
  mock_resource "azurerm_storage_account" {
    defaults = {
      id                    = "/subscriptions/0f1e2d3c/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/myshop"
      primary_blob_endpoint = "https://myshop.blob.core.windows.net/"
    }
  }

  mock_resource "azurerm_user_assigned_identity" {
    defaults = {
      id           = "/subscriptions/0f1e2d3c/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/my-shop"
      client_id    = "c11e0000-0000-4000-8000-000000000001"
      principal_id = "0b1ec000-0000-4000-8000-000000000002"
    }
  }

  mock_resource "azurerm_service_plan" {
    defaults = {
      id = "/subscriptions/0f1e2d3c/resourceGroups/shop/providers/Microsoft.Web/serverFarms/my-shop"
    }
  }
}

mock_provider "azapi" {
  mock_resource "azapi_resource" {
    defaults = {
      id     = "/subscriptions/0f1e2d3c/resourceGroups/shop/providers/made"
      output = { properties = { defaultHostName = "my-shop.azurewebsites.net" } }
    }
  }
}

variables {
  name                 = "my-shop"
  storage_account_name = "myshop"
  resource_group_name  = "shop"
  location             = "westeurope"
}

run "an_account_without_keys_and_a_table" {
  variables {
    function_app = false
    tags         = { team = "shop" }
  }

  assert {
    condition = (
      !azurerm_storage_account.this.shared_access_key_enabled &&
      !azurerm_storage_account.this.allow_nested_items_to_be_public &&
      !azurerm_storage_account.this.local_user_enabled &&
      azurerm_storage_account.this.default_to_oauth_authentication &&
      azurerm_storage_account.this.min_tls_version == "TLS1_2" &&
      azurerm_storage_account.this.account_replication_type == "ZRS" &&
      azurerm_storage_account.this.tags.team == "shop"
    )
    error_message = "the account"
  }

  assert {
    condition = (
      azapi_resource.table[0].name == "sessions" &&
      azapi_resource.table[0].parent_id == "${azurerm_storage_account.this.id}/tableServices/default" &&
      startswith(azapi_resource.table[0].type, "Microsoft.Storage/storageAccounts/tableServices/tables@") &&
      output.table_id == azapi_resource.table[0].id
    )
    error_message = "the table"
  }

  assert {
    condition = (
      length(azapi_resource.function_app) == 0 && length(azurerm_user_assigned_identity.this) == 0 &&
      length(azurerm_service_plan.this) == 0 && length(azurerm_storage_container.package) == 0 &&
      length(azurerm_role_assignment.sessions) == 0 && length(azurerm_role_assignment.host) == 0 &&
      output.url == null && output.function_app_name == null && output.principal_id == null
    )
    error_message = "no function app, and nobody with a role"
  }

  assert {
    condition     = output.store == "azure-tables://myshop/sessions"
    error_message = "what a function of one's own needs"
  }
}

run "an_app_of_ones_own_may_use_the_table_alone" {
  variables {
    function_app  = false
    principal_ids = { other = "0f1e2d3c-0000-4000-8000-000000000000" }
  }

  assert {
    condition = [
      for one in azurerm_role_assignment.sessions : [one.scope, one.role_definition_name, one.principal_id]
      ] == [[
        azapi_resource.table[0].id,
        "Storage Table Data Contributor",
        "0f1e2d3c-0000-4000-8000-000000000000",
    ]]
    error_message = "the role"
  }
}

run "a_function_app_with_an_identity" {
  variables {
    environment = { GREETING = "hello" }
    settings    = { idle_timeout = 60, cookie_persistent = true, store_timeout = 1.5 }
    tags        = { team = "shop" }
  }

  assert {
    condition = {
      for setting in azapi_resource.function_app[0].body.properties.siteConfig.appSettings : setting.name => setting.value
      } == {
      SESSION_STORE                    = "azure-tables://myshop/sessions"
      SESSION_IDLE_TIMEOUT             = "60"
      SESSION_COOKIE_PERSISTENT        = "true"
      SESSION_STORE_TIMEOUT            = "1.5"
      GREETING                         = "hello"
      AZURE_CLIENT_ID                  = "c11e0000-0000-4000-8000-000000000001"
      AzureWebJobsStorage__accountName = "myshop"
      AzureWebJobsStorage__credential  = "managedidentity"
      AzureWebJobsStorage__clientId    = "c11e0000-0000-4000-8000-000000000001"
    }
    error_message = "the settings"
  }

  assert {
    condition = azapi_resource.function_app[0].body.properties.functionAppConfig == {
      runtime             = { name = "python", version = "3.13" }
      scaleAndConcurrency = { instanceMemoryMB = 512, maximumInstanceCount = 100 }
      deployment = {
        storage = {
          type  = "blobContainer"
          value = "https://myshop.blob.core.windows.net/package"
          authentication = {
            type                           = "UserAssignedIdentity"
            userAssignedIdentityResourceId = azurerm_user_assigned_identity.this[0].id
          }
        }
      }
    }
    error_message = "Flex Consumption"
  }

  assert {
    condition = (
      azapi_resource.function_app[0].parent_id == "/subscriptions/0f1e2d3c/resourceGroups/shop" &&
      azapi_resource.function_app[0].body.properties.httpsOnly &&
      azapi_resource.function_app[0].body.properties.siteConfig.minTlsVersion == "1.2" &&
      azapi_resource.function_app[0].body.properties.serverFarmId == azurerm_service_plan.this[0].id &&
      azapi_resource.function_app[0].identity[0].identity_ids == tolist([azurerm_user_assigned_identity.this[0].id]) &&
      azapi_resource.function_app[0].tags.team == "shop" &&
      azurerm_service_plan.this[0].sku_name == "FC1" &&
      azurerm_storage_container.package[0].container_access_type == "private" &&
      output.url == "https://my-shop.azurewebsites.net/"
    )
    error_message = "the app"
  }

  assert {
    condition = (
      length(azurerm_role_assignment.sessions) == 1 &&
      azurerm_role_assignment.sessions["the function"].scope == azapi_resource.table[0].id &&
      azurerm_role_assignment.sessions["the function"].role_definition_name == "Storage Table Data Contributor" &&
      azurerm_role_assignment.sessions["the function"].principal_id == azurerm_user_assigned_identity.this[0].principal_id &&
      azurerm_role_assignment.host[0].role_definition_name == "Storage Blob Data Owner" &&
      azurerm_role_assignment.host[0].scope == azurerm_storage_account.this.id
    )
    error_message = "the roles"
  }

  assert {
    condition = alltrue([
      for name in ["ftp", "scm"] : azapi_update_resource.no_passwords[name].body == { properties = { allow = false } }
    ])
    error_message = "nobody publishes with a password"
  }
}

run "another_store_needs_no_table" {
  variables {
    store       = "upstash://"
    environment = sensitive({ UPSTASH_REDIS_REST_URL = "https://a.upstash.io", UPSTASH_REDIS_REST_TOKEN = "secret" })
  }

  assert {
    condition = (
      length(azapi_resource.table) == 0 && length(azurerm_role_assignment.sessions) == 0 && output.table_id == null &&
      contains(azapi_resource.function_app[0].body.properties.siteConfig.appSettings, { name = "SESSION_STORE", value = "upstash://" })
    )
    error_message = "the function app alone"
  }
}
