variable "name" {
  description = "Name of the table, the function and what belongs to it."
  type        = string
  default     = "sessions"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{3,64}$", var.name))
    error_message = "name must have 3 to 64 of the characters a-z, A-Z, 0-9, _ and -, as a function's name may."
  }
}

variable "tags" {
  description = "Tags for everything the module makes."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "tags must not begin with aws:, which AWS keeps for itself."
  }
}

# The table

variable "store" {
  description = "SESSION_STORE of the function; null stands for a table that the module makes. With another store, such as upstash://, there is no table and no policy."
  type        = string
  default     = null

  validation {
    condition     = var.store == null || can(regex("^[a-z][a-z0-9-]*(://.*)?$", var.store))
    error_message = "store must be a url such as upstash://, or null for a table of this module."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table."
  type        = bool
  default     = true
  nullable    = false
}

variable "point_in_time_recovery" {
  description = "Whether DynamoDB keeps the table's last 35 days. A table restored to an earlier time has the sessions that ended since."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the table; null for a key that DynamoDB owns."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]+:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID), not an alias."
  }
}

# The function

variable "package" {
  description = "Path of the function's zip, as `make package PLATFORM=aws` builds it; null makes the table and its policy alone."
  type        = string
  default     = null

  validation {
    condition     = var.package == null || can(filebase64sha256(var.package))
    error_message = "package names no file; `make package PLATFORM=aws` builds one."
  }
}

variable "handler" {
  description = "Handler in the zip, as module.function."
  type        = string
  default     = null

  validation {
    condition     = var.handler == null || can(regex("^\\w+([./]\\w+)*\\.\\w+$", var.handler))
    error_message = "handler must be a module and a function in it, such as cart.aws_lambda.handler."
  }

  validation {
    condition     = var.package == null || var.handler != null
    error_message = "handler must be given with package."
  }
}

variable "runtime" {
  description = "Lambda's Python."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = can(regex("^python3\\.(1[1-9]|[2-9][0-9])$", var.runtime))
    error_message = "runtime must be python3.11 or newer."
  }
}

variable "architecture" {
  description = "Processor: arm64 or x86_64, the one the zip was built for."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "memory_mb" {
  description = "Memory in MB; a function's share of a processor grows with it."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "What an invocation may take. Behind an HTTP API no answer is waited for longer than 30 s."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 900."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the function's log."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = "log_retention_days must be one that CloudWatch has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or more."
  }
}

variable "front_door" {
  description = "What calls the function: http-api (public), function-url (callers sign with IAM), or none."
  type        = string
  default     = "http-api"
  nullable    = false

  validation {
    condition     = contains(["http-api", "function-url", "none"], var.front_door)
    error_message = "front_door must be http-api, function-url or none."
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
  description = "Further environment variables of the function. Secrets, such as SESSION_TRUSTED_ID_KEY, belong here, from values that Terraform knows to be sensitive."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", key))])
    error_message = "environment must name variables as Lambda takes them: letters, digits and _, a letter first."
  }

  validation {
    condition     = alltrue([for key in keys(var.environment) : !startswith(key, "AWS_") && key != "SESSION_STORE"])
    error_message = "environment must leave AWS_ names to Lambda and SESSION_STORE to the input store."
  }
}
