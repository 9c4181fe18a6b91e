# Every check of every input refuses what it is there for. A run has one wrong value for each of
# the inputs that it expects to be refused.

mock_provider "aws" {}

variables {
  package = "versions.tf"
  handler = "app.handler"
}

run "the_first_check_of_each" {
  command = plan

  variables {
    name               = "my.sessions"
    tags               = { "aws:team" = "shop" }
    store              = "my table"
    kms_key_arn        = "arn:aws:kms:eu-west-1:123456789012:alias/sessions"
    handler            = "app"
    runtime            = "python3.10"
    architecture       = "arm"
    memory_mb          = 64
    timeout_seconds    = 0.5
    log_retention_days = 31
    front_door         = "public-url"
    settings           = { idle_timeout = 1.5 }
    environment        = { "A-B" = "1" }
  }

  expect_failures = [
    var.name,
    var.tags,
    var.store,
    var.kms_key_arn,
    var.handler,
    var.runtime,
    var.architecture,
    var.memory_mb,
    var.timeout_seconds,
    var.log_retention_days,
    var.front_door,
    var.settings,
    var.environment,
  ]
}

run "the_second" {
  command = plan

  variables {
    handler     = null
    settings    = { rotation_grace = 301 }
    environment = { AWS_REGION = "eu-west-1" }
  }

  expect_failures = [
    var.handler,
    var.settings,
    var.environment,
  ]
}

run "the_third_and_other_ends" {
  command = plan

  variables {
    package         = "missing.zip"
    name            = "ab"
    memory_mb       = 10241
    timeout_seconds = 901
    settings        = { store_timeout = 0 }
    environment     = { SESSION_STORE = "memory://" }
  }

  expect_failures = [
    var.package,
    var.name,
    var.memory_mb,
    var.timeout_seconds,
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
