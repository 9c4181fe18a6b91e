# What the module makes of its inputs, without Upstash.

mock_provider "upstash" {
  mock_resource "upstash_redis_database" {
    defaults = { endpoint = "eu1-sessions-12345.upstash.io", rest_token = "of-the-database" }
  }
}

variables {
  primary_region = "eu-west-1"
}

run "by_default_a_database_that_keeps_what_it_has" {
  assert {
    condition = (
      upstash_redis_database.this.database_name == "sessions" &&
      upstash_redis_database.this.region == "global" &&
      upstash_redis_database.this.primary_region == "eu-west-1" &&
      length(upstash_redis_database.this.read_regions) == 0 &&
      upstash_redis_database.this.tls &&
      !upstash_redis_database.this.eviction &&
      !upstash_redis_database.this.auto_scale &&
      upstash_redis_database.this.budget == null &&
      length(upstash_redis_database.this.ip_allowlist) == 0
    )
    error_message = "the database"
  }

  assert {
    condition = (
      output.store == "upstash://" &&
      nonsensitive(output.url) == "https://eu1-sessions-12345.upstash.io" &&
      nonsensitive(output.token) == "of-the-database" &&
      nonsensitive(output.environment) == {
        UPSTASH_REDIS_REST_URL   = "https://eu1-sessions-12345.upstash.io"
        UPSTASH_REDIS_REST_TOKEN = "of-the-database"
      }
    )
    error_message = "what a function needs"
  }

  assert {
    condition     = issensitive(output.url) && issensitive(output.token) && issensitive(output.environment)
    error_message = "which nobody prints"
  }
}

run "more_where_asked_for" {
  variables {
    name           = "carts"
    read_regions   = ["us-east-1"]
    auto_scale     = true
    budget_dollars = 50
    prod_pack      = true
    ip_allowlist   = ["192.0.2.1", "198.51.100.0/24"]
  }

  assert {
    condition = (
      upstash_redis_database.this.database_name == "carts" &&
      upstash_redis_database.this.read_regions == toset(["us-east-1"]) &&
      upstash_redis_database.this.auto_scale &&
      upstash_redis_database.this.budget == 50 &&
      upstash_redis_database.this.prod_pack &&
      upstash_redis_database.this.ip_allowlist == toset(["192.0.2.1", "198.51.100.0/24"]) &&
      !upstash_redis_database.this.eviction
    )
    error_message = "the database"
  }
}
