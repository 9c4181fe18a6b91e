# What the module makes of its inputs, without Google.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      id     = "projects/my-shop/serviceAccounts/sessions@my-shop.iam.gserviceaccount.com"
      email  = "sessions@my-shop.iam.gserviceaccount.com"
      member = "serviceAccount:sessions@my-shop.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_cloudfunctions2_function" {
    defaults = { service_config = { uri = "https://sessions-a1b2c3d4e5-ew.a.run.app" } }
  }
}

variables {
  project  = "my-shop"
  location = "europe-west1"
}

run "by_default_a_protected_database_and_no_function" {
  assert {
    condition = (
      google_firestore_database.this[0].name == "sessions" &&
      google_firestore_database.this[0].location_id == "europe-west1" &&
      google_firestore_database.this[0].type == "FIRESTORE_NATIVE" &&
      google_firestore_database.this[0].delete_protection_state == "DELETE_PROTECTION_ENABLED" &&
      google_firestore_database.this[0].deletion_policy == "DELETE" &&
      google_firestore_database.this[0].point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_DISABLED" &&
      length(google_firestore_database.this[0].cmek_config) == 0
    )
    error_message = "the database"
  }

  assert {
    condition     = toset(keys(google_firestore_field.unindexed)) == toset(["v", "created", "abs", "exp", "expires_at"])
    error_message = "the fields"
  }

  assert {
    condition = alltrue([
      for name, field in google_firestore_field.unindexed : (
        field.database == "sessions" && field.collection == "sessions" &&
        length(field.index_config) == 1 && length(field.index_config[0].indexes) == 0 &&
        length(field.ttl_config) == (name == "expires_at" ? 1 : 0)
      )
    ])
    error_message = "no index of these, and one of them a TTL policy"
  }

  assert {
    condition = (
      length(google_cloudfunctions2_function.this) == 0 && length(google_service_account.this) == 0 &&
      length(google_storage_bucket.source) == 0 && length(google_project_iam_member.sessions) == 0 &&
      length(google_project_iam_member.build) == 0 && output.url == null
    )
    error_message = "no function without a package, and nobody with a role"
  }

  assert {
    condition     = output.store == "firestore://my-shop/sessions?database=sessions"
    error_message = "what a function of one's own needs"
  }
}

run "a_key_recovery_and_another_place_where_asked_for" {
  variables {
    name                   = "shop-carts"
    database_location      = "eur3"
    deletion_protection    = false
    point_in_time_recovery = true
    kms_key_name           = "projects/my-shop/locations/europe/keyRings/shop/cryptoKeys/carts"
    members                = { other = "serviceAccount:other@my-shop.iam.gserviceaccount.com" }
  }

  assert {
    condition = (
      google_firestore_database.this[0].location_id == "eur3" &&
      google_firestore_database.this[0].delete_protection_state == "DELETE_PROTECTION_DISABLED" &&
      google_firestore_database.this[0].point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" &&
      google_firestore_database.this[0].cmek_config[0].kms_key_name == var.kms_key_name
    )
    error_message = "the database"
  }

  assert {
    condition = [for one in google_project_iam_member.sessions : [one.role, one.member, one.condition[0].expression]] == [[
      "roles/datastore.user",
      "serviceAccount:other@my-shop.iam.gserviceaccount.com",
      "resource.name == \"projects/my-shop/databases/shop-carts\"",
    ]]
    error_message = "the member may use this database alone"
  }
}

run "a_function_that_is_private_unless_said" {
  variables {
    package     = "versions.tf"
    environment = { GREETING = "hello" }
    settings    = { idle_timeout = 60, cookie_persistent = true, store_timeout = 1.5 }
    labels      = { team = "shop" }
  }

  assert {
    condition = google_cloudfunctions2_function.this[0].service_config[0].environment_variables == tomap({
      SESSION_STORE             = "firestore://my-shop/sessions?database=sessions"
      SESSION_IDLE_TIMEOUT      = "60"
      SESSION_COOKIE_PERSISTENT = "true"
      SESSION_STORE_TIMEOUT     = "1.5"
      GREETING                  = "hello"
    })
    error_message = "the environment"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.this[0].service_config[0].service_account_email == google_service_account.this[0].email &&
      google_cloudfunctions2_function.this[0].service_config[0].available_memory == "256Mi" &&
      google_cloudfunctions2_function.this[0].build_config[0].runtime == "python313" &&
      google_cloudfunctions2_function.this[0].build_config[0].entry_point == "handler" &&
      google_cloudfunctions2_function.this[0].build_config[0].service_account == google_service_account.build[0].id &&
      google_cloudfunctions2_function.this[0].labels.team == "shop"
    )
    error_message = "the function"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.this[0].build_config[0].source[0].storage_source[0].object == "${filesha256("versions.tf")}.zip" &&
      google_storage_bucket.source[0].name == "my-shop-sessions-source" &&
      google_storage_bucket.source[0].uniform_bucket_level_access &&
      google_storage_bucket.source[0].public_access_prevention == "enforced" &&
      google_storage_bucket.source[0].labels.team == "shop"
    )
    error_message = "the source"
  }

  assert {
    condition = (
      length(google_project_iam_member.sessions) == 1 &&
      google_project_iam_member.sessions["the function"].member == google_service_account.this[0].member &&
      google_project_iam_member.sessions["the function"].condition[0].expression == "resource.name == \"projects/my-shop/databases/sessions\""
    )
    error_message = "the function may use this database alone"
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.public) == 0
    error_message = "nobody may call it"
  }
}

run "for_everybody" {
  variables {
    package = "versions.tf"
    public  = true
  }

  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.public[0].member == "allUsers" &&
      google_cloud_run_v2_service_iam_member.public[0].role == "roles/run.invoker" &&
      google_cloud_run_v2_service_iam_member.public[0].name == "sessions" &&
      output.url == "https://sessions-a1b2c3d4e5-ew.a.run.app"
    )
    error_message = "everybody may call it"
  }
}

run "another_store_needs_no_database" {
  variables {
    package     = "versions.tf"
    store       = "upstash://"
    environment = { UPSTASH_REDIS_REST_URL = "https://a.upstash.io", UPSTASH_REDIS_REST_TOKEN = "secret" }
  }

  assert {
    condition = (
      length(google_firestore_database.this) == 0 && length(google_firestore_field.unindexed) == 0 &&
      length(google_project_iam_member.sessions) == 0 && output.database_name == null &&
      google_cloudfunctions2_function.this[0].service_config[0].environment_variables.SESSION_STORE == "upstash://"
    )
    error_message = "the function alone"
  }
}
