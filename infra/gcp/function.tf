# The function, where its source lies, and as whom it is built and runs.

locals {
  has_function = var.package != null

  settings = {
    for name, value in var.settings : "SESSION_${upper(name)}" => tostring(value) if value != null
  }

  users = merge(
    var.members,
    { for account in google_service_account.this : "the function" => account.member },
  )

  # What Cloud Build needs for a function: its log, the source to read, the image to write.
  build_roles = ["roles/logging.logWriter", "roles/storage.objectViewer", "roles/artifactregistry.writer"]
}

resource "google_service_account" "this" {
  count = local.has_function ? 1 : 0

  project      = var.project
  account_id   = var.name
  display_name = "Runs the function ${var.name}"
}

resource "google_service_account" "build" {
  count = local.has_function ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-build"
  display_name = "Builds the function ${var.name}"
}

resource "google_project_iam_member" "build" {
  for_each = local.has_function ? toset(local.build_roles) : []

  project = var.project
  role    = each.key
  member  = google_service_account.build[0].member
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:who reads the source is in the audit log; it is no secret of the visitors
  #checkov:skip=CKV_GCP_78:every zip has its hash in its name, so none is ever written over
  count = local.has_function ? 1 : 0

  project                     = var.project
  name                        = "${var.project}-${var.name}-source"
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # What is in it can be packed again.
  labels                      = var.labels
}

resource "google_storage_bucket_object" "source" {
  count = local.has_function ? 1 : 0

  # With the hash in its name another zip is another source, and the function is built anew.
  name   = "${filesha256(var.package)}.zip"
  bucket = google_storage_bucket.source[0].name
  source = var.package
}

resource "google_cloudfunctions2_function" "this" {
  #checkov:skip=CKV_GCP_124:browsers come from the internet; who may call at all is the input public
  count = local.has_function ? 1 : 0

  project  = var.project
  name     = var.name
  location = var.location
  labels   = var.labels

  build_config {
    runtime         = var.runtime
    entry_point     = var.entry_point
    service_account = google_service_account.build[0].id

    source {
      storage_source {
        bucket = google_storage_bucket.source[0].name
        object = google_storage_bucket_object.source[0].name
      }
    }
  }

  service_config {
    available_memory      = "${var.memory_mb}Mi"
    timeout_seconds       = var.timeout_seconds
    max_instance_count    = var.max_instances
    ingress_settings      = "ALLOW_ALL"
    service_account_email = google_service_account.this[0].email
    environment_variables = merge(var.environment, local.settings, { SESSION_STORE = local.store })
  }

  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.sessions,
  ]
}

# A function of the 2nd generation is a Cloud Run service of the same name.
resource "google_cloud_run_v2_service_iam_member" "public" {
  count = local.has_function && var.public ? 1 : 0

  project  = var.project
  location = var.location
  name     = google_cloudfunctions2_function.this[0].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
