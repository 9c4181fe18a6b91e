# The database, and who may use it.

locals {
  # The library's names (serverless_sessions_adapters/_firestore_admin.py); a test compares them.
  collection       = "sessions"
  ttl_field        = "expires_at"
  unindexed_fields = ["v", "created", "abs", "exp", "expires_at"]

  has_database = var.store == null
  database     = one(google_firestore_database.this[*].name)
  store = (
    local.has_database
    ? "firestore://${var.project}/${local.collection}?database=${local.database}"
    : var.store
  )
}

resource "google_firestore_database" "this" {
  count = local.has_database ? 1 : 0

  project     = var.project
  name        = var.name
  location_id = coalesce(var.database_location, var.location)
  type        = "FIRESTORE_NATIVE"

  # Without the policy the provider would forget the database on destroy, and leave it there.
  deletion_policy         = "DELETE"
  delete_protection_state = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  point_in_time_recovery_enablement = (
    var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  )

  dynamic "cmek_config" {
    for_each = var.kms_key_name[*]

    content {
      kms_key_name = cmek_config.value
    }
  }
}

# An empty index_config stands for no index at all.
resource "google_firestore_field" "unindexed" {
  for_each = local.has_database ? toset(local.unindexed_fields) : []

  project    = var.project
  database   = local.database
  collection = local.collection
  field      = each.key

  index_config {}

  dynamic "ttl_config" {
    for_each = each.key == local.ttl_field ? [true] : []

    content {}
  }
}

# For this database, and no other of the project.
resource "google_project_iam_member" "sessions" {
  for_each = local.has_database ? local.users : {}

  project = var.project
  role    = "roles/datastore.user"
  member  = each.value

  condition {
    title      = "${var.name}-database"
    expression = "resource.name == \"projects/${var.project}/databases/${local.database}\""
  }
}
