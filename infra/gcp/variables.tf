variable "project" {
  description = "ID of the project in which everything is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's ID: 6 to 30 of a-z, 0-9 and -, a letter first."
  }
}

variable "location" {
  description = "Region of the function and its source, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location must be a region, such as europe-west1, not a zone in it."
  }
}

variable "name" {
  description = "Name of the database, the function and what belongs to it."
  type        = string
  default     = "sessions"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,22}[a-z0-9]$", var.name))
    error_message = "name must have 6 to 24 of the characters a-z, 0-9 and -, a letter first, as a service account's may."
  }
}

variable "labels" {
  description = "Labels for the function and the bucket; accounts and databases have none."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels must have a-z, 0-9, _ and - in keys and values, at most 63, and a letter first in a key."
  }
}

# The database

variable "store" {
  description = "SESSION_STORE of the function; null stands for a database that the module makes. With another store, such as upstash://, there is no database and no role."
  type        = string
  default     = null

  validation {
    condition     = var.store == null || can(regex("^[a-z][a-z0-9-]*(://.*)?$", var.store))
    error_message = "store must be a url such as upstash://, or null for a database of this module."
  }
}

variable "database_location" {
  description = "Where the database is, for ever: a region or a multi-region such as eur3; null for location."
  type        = string
  default     = null

  validation {
    condition     = var.database_location == null || can(regex("^[a-z]+(-[a-z]+)?[0-9]+$", var.database_location))
    error_message = "database_location must be a region, such as europe-west1, or eur3, nam5 or nam7."
  }
}

variable "deletion_protection" {
  description = "Whether Firestore refuses to delete the database."
  type        = bool
  default     = true
  nullable    = false
}

variable "point_in_time_recovery" {
  description = "Whether Firestore keeps the database's last seven days. A database restored to an earlier time has the sessions that ended since."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_name" {
  description = "Name of the KMS key that encrypts the database, in its location; null for a key that Google owns."
  type        = string
  default     = null

  validation {
    condition = var.kms_key_name == null || can(
      regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key_name)
    )
    error_message = "kms_key_name must be projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version."
  }
}

variable "members" {
  description = "Who else may use the database, such as serviceAccount:EMAIL of a function of your own; each by a name of your choice, for Terraform to tell them apart before there is an account."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for member in values(var.members) : can(regex("^(serviceAccount|user|group|principal|principalSet):.+", member))
    ])
    error_message = "members must be accounts as IAM writes them, such as serviceAccount:EMAIL, and never allUsers."
  }
}

# The function

variable "package" {
  description = "Path of the source's zip, as `make package PLATFORM=gcp` builds it; null makes the database alone."
  type        = string
  default     = null

  validation {
    condition     = var.package == null || can(filesha256(var.package))
    error_message = "package names no file; `make package PLATFORM=gcp` builds one."
  }
}

variable "entry_point" {
  description = "Function in main.py of the zip."
  type        = string
  default     = "handler"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]*$", var.entry_point))
    error_message = "entry_point must be a function's name, such as handler."
  }
}

variable "runtime" {
  description = "The function's Python."
  type        = string
  default     = "python313"
  nullable    = false

  validation {
    condition     = can(regex("^python3(1[1-9]|[2-9][0-9])$", var.runtime))
    error_message = "runtime must be python311 or newer."
  }
}

variable "memory_mb" {
  description = "Memory in MB; a function's share of a processor grows with it."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 32768 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 128 to 32768."
  }
}

variable "timeout_seconds" {
  description = "What an invocation may take."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 3600."
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

variable "public" {
  description = "Whether everybody may call the function; otherwise callers need roles/run.invoker on it."
  type        = bool
  default     = false
  nullable    = false
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
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", key))])
    error_message = "environment must name variables with letters, digits and _, no digit first."
  }

  validation {
    condition = alltrue([
      for key in keys(var.environment) : !can(regex("^(K_|X_GOOGLE_|FUNCTION_)|^(PORT|SESSION_STORE)$", key))
    ])
    error_message = "environment must leave PORT, K_, X_GOOGLE_ and FUNCTION_ names to Google and SESSION_STORE to the input store."
  }
}
