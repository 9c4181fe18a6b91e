# The function app of the shopping cart, with its table and a resource group for both.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    azapi = {
      source  = "Azure/azapi"
      version = ">= 2.13.0, < 3.0.0"
    }

    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.59.0, < 6.0.0"
    }
  }
}

provider "azapi" {}

# Azurerm would look into the new account with its key, which the account does not take.
provider "azurerm" {
  storage_use_azuread = true

  features {
    storage {
      data_plane_available = false
    }
  }
}

variable "name" {
  description = "Name of the function app, one of all Azure's: its url is https://NAME.azurewebsites.net."
  type        = string
}

variable "storage_account_name" {
  description = "Name of the storage account, one of all Azure's."
  type        = string
}

variable "location" {
  description = "Region of the shop, such as westeurope."
  type        = string
}

resource "azurerm_resource_group" "cart" {
  name     = var.name
  location = var.location
  tags     = { application = var.name }
}

module "cart" {
  source = "../.."

  name                 = var.name
  storage_account_name = var.storage_account_name
  resource_group_name  = azurerm_resource_group.cart.name
  location             = var.location

  settings = {
    idle_timeout   = 3600
    rotation_grace = 30
  }

  tags = { application = var.name }
}

output "url" {
  description = "Where the shop is, once its package is published."
  value       = module.cart.url
}

output "publish" {
  description = "Sends the zip that `make package PLATFORM=azure` built."
  value       = "az functionapp deployment source config-zip --resource-group ${azurerm_resource_group.cart.name} --name ${module.cart.function_app_name} --src dist/cart-azure.zip"
}

output "store" {
  description = "SESSION_STORE, to look at the sessions with credentials of your own."
  value       = module.cart.store
}
