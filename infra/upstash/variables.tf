variable "name" {
  description = "Name of the database."
  type        = string
  default     = "sessions"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "name must have 1 to 40 of the characters a-z, A-Z, 0-9, _ and -."
  }
}

variable "primary_region" {
  description = "Region of AWS that takes the writes, such as eu-west-1; every operation of the library goes there, so it belongs near the function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}-[a-z]+-[0-9]$", var.primary_region))
    error_message = "primary_region must be a region of AWS, such as eu-west-1."
  }
}

variable "read_regions" {
  description = "Regions with a copy for plain reads. The library makes none, since a copy may lag; they are for others of the database."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for region in var.read_regions : can(regex("^[a-z]{2}-[a-z]+-[0-9]$", region))])
    error_message = "read_regions must be regions of AWS, such as us-east-1."
  }

  validation {
    condition     = !contains(var.read_regions, var.primary_region)
    error_message = "read_regions must not have the primary region."
  }
}

variable "auto_scale" {
  description = "Whether Upstash moves the database to a larger plan when it reaches the limits of its own."
  type        = bool
  default     = false
  nullable    = false
}

variable "budget_dollars" {
  description = "What a month may cost at most, in US dollars, before Upstash stops the database; null for Upstash's own limit."
  type        = number
  default     = null

  validation {
    condition     = var.budget_dollars == null ? true : var.budget_dollars >= 1 && floor(var.budget_dollars) == var.budget_dollars
    error_message = "budget_dollars must be whole dollars, at least 1."
  }
}

variable "prod_pack" {
  description = "Whether to buy what Upstash sells for production, such as encryption of what is stored."
  type        = bool
  default     = false
  nullable    = false
}

variable "ip_allowlist" {
  description = "Addresses or networks that may call the database; none stands for all."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for network in var.ip_allowlist : can(cidrhost(strcontains(network, "/") ? network : "${network}/32", 0))
    ])
    error_message = "ip_allowlist must have addresses, such as 192.0.2.1, or networks, such as 192.0.2.0/24."
  }
}
