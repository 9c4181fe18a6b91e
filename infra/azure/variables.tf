variable "name" {
  description = "Name of the function app, its plan and its identity; the app's is one of all Azure's, and part of its url."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,58}[a-z0-9]$", var.name))
    error_message = "name must have 2 to 60 of the characters a-z, 0-9 and -, and no - at its ends."
  }
}

variable "resource_group_name" {
  description = "Resource group in which everything is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]$", var.resource_group_name))
    error_message = "resource_group_name must have up to 90 letters, digits and _.()-, and no dot at its end."
  }
}

variable "location" {
  description = "Region by its name in small letters, such as westeurope; it must have Flex Consumption."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+[0-9]?$", var.location))
    error_message = "location must be a region's name in small letters without spaces, such as westeurope."
  }
}

variable "tags" {
  description = "Tags for everything that has some; a table has none."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.tags) <= 50 && alltrue([
      for key, value in var.tags : can(regex("^[^<>%&?/\\\\]{1,512}$", key)) && length(value) <= 256
    ])
    error_message = "tags must be at most 50, with none of <>%&?/\\ in a name and at most 256 characters in a value."
  }
}

# The table

variable "storage_account_name" {
  description = "Name of the storage account, one of all Azure's."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", var.storage_account_name))
    error_message = "storage_account_name must have 3 to 24 of the characters a-z and 0-9."
  }
}

variable "replication" {
  description = "Where the account's copies are: LRS in one data centre, ZRS in three zones, GRS or GZRS in a second region as well."
  type        = string
  default     = "ZRS"
  nullable    = false

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "GZRS"], var.replication)
    error_message = "replication must be LRS, ZRS, GRS or GZRS; nobody reads a second region's copy."
  }
}

variable "store" {
  description = "SESSION_STORE of the function; null stands for a table that the module makes. With another store, such as upstash://, there is no table and no role on it."
  type        = string
  default     = null

  validation {
    condition     = var.store == null || can(regex("^[a-z][a-z0-9-]*(://.*)?$", var.store))
    error_message = "store must be a url such as upstash://, or null for a table of this module."
  }
}

variable "principal_ids" {
  description = "Who else may use the table: object IDs of service principals or managed identities, such as that of a function of your own; each by a name of your choice, for Terraform to tell them apart before there is an identity."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for id in values(var.principal_ids) : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))
    ])
    error_message = "principal_ids must be object IDs, such as 0f1e2d3c-0000-4000-8000-000000000000."
  }
}

# The function app

variable "function_app" {
  description = "Whether there is a function app; without one the module makes the account and the table."
  type        = bool
  default     = true
  nullable    = false
}

variable "runtime_version" {
  description = "The function app's Python."
  type        = string
  default     = "3.13"
  nullable    = false

  validation {
    condition     = can(regex("^3\\.(1[1-9]|[2-9][0-9])$", var.runtime_version))
    error_message = "runtime_version must be 3.11 or newer."
  }
}

variable "memory_mb" {
  description = "Memory of an instance in MB: 512, 2048 or 4096."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = contains([512, 2048, 4096], var.memory_mb)
    error_message = "memory_mb must be 512, 2048 or 4096."
  }
}

variable "max_instances" {
  description = "How many instances there may be at once: what a flood of requests can cost."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 1000 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances must be a whole number from 1 to 1000."
  }
}

variable "settings" {
  description = "SESSION_ settings by their names in small letters; what is left out keeps the library's default. Times are in seconds."
  type = object({
    idle_timeout       = optional(number)
    absolute_timeout   = optional(number)
    touch_every        = optional(number)
    rotation_grace     = optional(number)
    store_timeout      = optional(number)
    cookie_name        = optional(string)
    cookie_domain      = optional(string)
    cookie_path        = optional(string)
    cookie_samesite    = optional(string)
    cookie_secure      = optional(bool)
    cookie_partitioned = optional(bool)
    cookie_persistent  = optional(bool)
    max_per_user       = optional(number)
    on_max_per_user    = optional(string)
    save_on_error      = optional(bool)
    on_store_error     = optional(string)
    shared_with_astro  = optional(bool)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for time in [var.settings.idle_timeout, var.settings.absolute_timeout, var.settings.touch_every] :
      time == null ? true : time >= 1 && floor(time) == time
    ])
    error_message = "settings: idle_timeout, absolute_timeout and touch_every must be whole seconds, at least 1."
  }

  validation {
    condition = var.settings.rotation_grace == null ? true : (
      var.settings.rotation_grace >= 0 && var.settings.rotation_grace <= 300 &&
      floor(var.settings.rotation_grace) == var.settings.rotation_grace
    )
    error_message = "settings: rotation_grace must be whole seconds, from 0 to 300."
  }

  validation {
    condition = var.settings.store_timeout == null ? true : (
      var.settings.store_timeout > 0 && var.settings.store_timeout <= 60
    )
    error_message = "settings: store_timeout must be over 0 and at most 60 seconds."
  }

  validation {
    condition = var.settings.cookie_samesite == null ? true : (
      contains(["Strict", "Lax", "None"], var.settings.cookie_samesite)
    )
    error_message = "settings: cookie_samesite must be Strict, Lax or None."
  }

  validation {
    condition = var.settings.on_store_error == null ? true : (
      contains(["respond", "raise"], var.settings.on_store_error)
    )
    error_message = "settings: on_store_error must be respond or raise."
  }

  validation {
    condition = var.settings.max_per_user == null ? true : (
      var.settings.max_per_user >= 0 && var.settings.max_per_user <= 100 &&
      floor(var.settings.max_per_user) == var.settings.max_per_user
    )
    error_message = "settings: max_per_user must be a whole number from 0 to 100."
  }

  validation {
    condition = var.settings.on_max_per_user == null ? true : (
      contains(["end_oldest", "refuse"], var.settings.on_max_per_user)
    )
    error_message = "settings: on_max_per_user must be end_oldest or refuse."
  }
}

variable "environment" {
  description = "Further settings of the function app. Secrets, such as SESSION_TRUSTED_ID_KEY, belong here, from values that Terraform knows to be sensitive."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", key))])
    error_message = "environment must name variables with letters, digits and _, no digit first."
  }

  validation {
    condition = alltrue([
      for key in keys(var.environment) :
      !startswith(key, "AzureWebJobsStorage") && !contains(["AZURE_CLIENT_ID", "AZURE_STORAGE_KEY", "SESSION_STORE"], key)
    ])
    error_message = "environment must leave AzureWebJobsStorage and AZURE_CLIENT_ID to the module, and SESSION_STORE to the input store; there is no AZURE_STORAGE_KEY."
  }
}
