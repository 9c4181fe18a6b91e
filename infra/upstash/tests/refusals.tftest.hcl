# Every check of every input refuses what it is there for. A run has one wrong value for each of
# the inputs that it expects to be refused.

mock_provider "upstash" {}

variables {
  primary_region = "eu-west-1"
}

run "the_first_check_of_each" {
  command = plan

  variables {
    name           = "my sessions"
    read_regions   = ["europe"]
    budget_dollars = 0
    ip_allowlist   = ["example.com"]
  }

  expect_failures = [
    var.name,
    var.read_regions,
    var.budget_dollars,
    var.ip_allowlist,
  ]
}

run "the_second_and_other_ends" {
  command = plan

  variables {
    read_regions   = ["us-east-1", "eu-west-1"]
    budget_dollars = 1.5
  }

  expect_failures = [
    var.read_regions,
    var.budget_dollars,
  ]
}

# Apart, as a check of read_regions asks for it.
run "a_region_of_no_cloud" {
  command = plan

  variables {
    primary_region = "global"
  }

  expect_failures = [
    var.primary_region,
  ]
}
