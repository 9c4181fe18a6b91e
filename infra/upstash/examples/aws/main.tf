# The shopping cart on Lambda, with its sessions at Upstash.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }

    upstash = {
      source  = "upstash/upstash"
      version = ">= 2.0.0, < 3.0.0"
    }
  }
}

provider "aws" {}

# Its email and api_key come from UPSTASH_EMAIL and UPSTASH_API_KEY.
provider "upstash" {}

variable "region" {
  description = "Region of AWS that the function is in, for the database to be near it."
  type        = string
}

variable "package" {
  description = "Zip that `make package PLATFORM=aws EXTRAS=upstash` built."
  type        = string
  default     = "../../../../dist/cart-aws-arm64.zip"
}

module "sessions" {
  source = "../.."

  name           = "cart"
  primary_region = var.region
}

module "cart" {
  source = "../../../aws"

  name        = "cart"
  package     = var.package
  handler     = "cart.aws_lambda.handler"
  store       = module.sessions.store
  environment = module.sessions.environment
}

output "url" {
  description = "Where the shop is."
  value       = module.cart.url
}
