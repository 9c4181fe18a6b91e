# The shopping cart on Cloud Functions, with its sessions at Upstash.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50.0, < 9.0.0"
    }

    upstash = {
      source  = "upstash/upstash"
      version = ">= 2.0.0, < 3.0.0"
    }
  }
}

provider "google" {}

# Its email and api_key come from UPSTASH_EMAIL and UPSTASH_API_KEY.
provider "upstash" {}

variable "project" {
  description = "ID of the project that the function is in."
  type        = string
}

variable "location" {
  description = "Region of the function, such as europe-west1."
  type        = string
}

variable "primary_region" {
  description = "Region of AWS that is near it, such as eu-west-1."
  type        = string
}

variable "package" {
  description = "Zip that `make package PLATFORM=gcp EXTRAS=upstash` built."
  type        = string
  default     = "../../../../dist/cart-gcp.zip"
}

module "sessions" {
  source = "../.."

  name           = "cart"
  primary_region = var.primary_region
}

module "cart" {
  source = "../../../gcp"

  project     = var.project
  location    = var.location
  name        = "shopping-cart"
  package     = var.package
  public      = true
  store       = module.sessions.store
  environment = module.sessions.environment
}

output "url" {
  description = "Where the shop is."
  value       = module.cart.url
}
