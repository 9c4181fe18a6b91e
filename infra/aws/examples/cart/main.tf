# The shopping cart on Lambda, with its table, behind an HTTP API.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

provider "aws" {}

variable "name" {
  description = "Name of everything that is made."
  type        = string
  default     = "cart"
}

variable "package" {
  description = "Zip that `make package PLATFORM=aws` built."
  type        = string
  default     = "../../../../dist/cart-aws-arm64.zip"
}

variable "architecture" {
  description = "Processor the zip was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

module "cart" {
  source = "../.."

  name         = var.name
  package      = var.package
  handler      = "cart.aws_lambda.handler"
  architecture = var.architecture

  # A demonstration: its carts go when it goes. Leave the protection on where they matter.
  deletion_protection = false

  settings = {
    idle_timeout   = 3600
    rotation_grace = 30
  }

  tags = { application = var.name }
}

output "url" {
  description = "Where the shop is."
  value       = module.cart.url
}

output "function_name" {
  description = "The function, for its log and its configuration."
  value       = module.cart.function_name
}

output "store" {
  description = "SESSION_STORE, to look at the sessions with credentials of your own."
  value       = module.cart.store
}

output "policy_json" {
  description = "What the function may do at the table."
  value       = module.cart.policy_json
}
