# Every check of every input refuses what it is there for. A run has one wrong value for each of
# the inputs that it expects to be refused.

mock_provider "azurerm" {}
mock_provider "azapi" {}

variables {
  name                 = "my-shop"
  storage_account_name = "myshop"
  resource_group_name  = "shop"
  location             = "westeurope"
}

run "the_first_check_of_each" {
  command = plan

  variables {
    name                 = "-shop"
    resource_group_name  = "shop."
    location             = "West Europe"
    tags                 = { "a/b" = "shop" }
    storage_account_name = "my-shop"
    replication          = "RAGRS"
    store                = "my table"
    principal_ids        = { other = "my-shop" }
    runtime_version      = "3.10"
    memory_mb            = 1024
    max_instances        = 0
    settings             = { idle_timeout = 1.5 }
    environment          = { "A-B" = "1" }
  }

  expect_failures = [
    var.name,
    var.resource_group_name,
    var.location,
    var.tags,
    var.storage_account_name,
    var.replication,
    var.store,
    var.principal_ids,
    var.runtime_version,
    var.memory_mb,
    var.max_instances,
    var.settings,
    var.environment,
  ]
}

run "the_second_and_other_ends" {
  command = plan

  variables {
    max_instances = 1001
    settings      = { rotation_grace = 301 }
    environment   = { AzureWebJobsStorage = "a key" }
  }

  expect_failures = [
    var.max_instances,
    var.settings,
    var.environment,
  ]
}

run "the_third" {
  command = plan

  variables {
    settings    = { store_timeout = 0 }
    environment = { SESSION_STORE = "memory://" }
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
