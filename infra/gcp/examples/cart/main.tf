# The shopping cart on Cloud Functions, with its database, for everybody.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50.0, < 9.0.0"
    }
  }
}

provider "google" {}

variable "project" {
  description = "ID of the project in which everything is made."
  type        = string
}

variable "location" {
  description = "Region of the shop, such as europe-west1."
  type        = string
}

variable "name" {
  description = "Name of everything that is made."
  type        = string
  default     = "shopping-cart"
}

variable "package" {
  description = "Zip that `make package PLATFORM=gcp` built."
  type        = string
  default     = "../../../../dist/cart-gcp.zip"
}

module "cart" {
  source = "../.."

  project  = var.project
  location = var.location
  name     = var.name
  package  = var.package
  public   = true

  # A demonstration: its carts go when it goes. Leave the protection on where they matter.
  deletion_protection = false

  settings = {
    idle_timeout   = 3600
    rotation_grace = 30
  }

  labels = { application = var.name }
}

output "url" {
  description = "Where the shop is."
  value       = module.cart.url
}

output "store" {
  description = "SESSION_STORE, to look at the sessions with credentials of your own."
  value       = module.cart.store
}
