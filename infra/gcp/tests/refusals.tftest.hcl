# Every check of every input refuses what it is there for. A run has one wrong value for each of
# the inputs that it expects to be refused.

mock_provider "google" {}

variables {
  project  = "my-shop"
  location = "europe-west1"
  package  = "versions.tf"
}

run "the_first_check_of_each" {
  command = plan

  variables {
    project           = "My Shop"
    location          = "europe-west1-b"
    name              = "a-name-that-is-longer-than-24"
    labels            = { Team = "shop" }
    store             = "my database"
    database_location = "Europe"
    kms_key_name      = "projects/my-shop/locations/europe/keyRings/shop/cryptoKeys/carts/cryptoKeyVersions/1"
    members           = { everybody = "allUsers" }
    package           = "missing.zip"
    entry_point       = "cart.handler"
    runtime           = "python310"
    memory_mb         = 64
    timeout_seconds   = 3601
    max_instances     = 0
    settings          = { idle_timeout = 1.5 }
    environment       = { "A-B" = "1" }
  }

  expect_failures = [
    var.project,
    var.location,
    var.name,
    var.labels,
    var.store,
    var.database_location,
    var.kms_key_name,
    var.members,
    var.package,
    var.entry_point,
    var.runtime,
    var.memory_mb,
    var.timeout_seconds,
    var.max_instances,
    var.settings,
    var.environment,
  ]
}

run "the_second_and_other_ends" {
  command = plan

  variables {
    name            = "short"
    labels          = { team = "The Shop" }
    memory_mb       = 256.5
    timeout_seconds = 0
    max_instances   = 1001
    settings        = { rotation_grace = 301 }
    environment     = { SESSION_STORE = "memory://" }
  }

  expect_failures = [
    var.name,
    var.labels,
    var.memory_mb,
    var.timeout_seconds,
    var.max_instances,
    var.settings,
    var.environment,
  ]
}

run "the_third" {
  command = plan

  variables {
    settings    = { store_timeout = 0 }
    environment = { K_SERVICE = "sessions" }
  }

  expect_failures = [
    var.settings,
    var.environment,
  ]
}

run "the_fourth" {
  command = plan

  variables {
    settings = { cookie_samesite = "lax" }
  }

  expect_failures = [
    var.settings,
  ]
}

run "the_fifth" {
  command = plan

  variables {
    settings = { on_store_error = "ignore" }
  }

  expect_failures = [
    var.settings,
  ]
}

run "the_sixth" {
  command = plan

  variables {
    settings = { max_per_user = 101 }
  }

  expect_failures = [
    var.settings,
  ]
}

run "the_seventh" {
  command = plan

  variables {
    settings = { on_max_per_user = "forget" }
  }

  expect_failures = [
    var.settings,
  ]
}
