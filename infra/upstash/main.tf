# A Redis for sessions, reached by REST over TLS.

locals {
  # The library's names (serverless_sessions_adapters/upstash.py); a test compares them.
  url_variable   = "UPSTASH_REDIS_REST_URL"
  token_variable = "UPSTASH_REDIS_REST_TOKEN"

  url = "https://${upstash_redis_database.this.endpoint}"
}

resource "upstash_redis_database" "this" {
  database_name  = var.name
  region         = "global"
  primary_region = var.primary_region
  read_regions   = var.read_regions

  # With eviction sessions end when memory is short.
  eviction = false
  tls      = true

  auto_scale   = var.auto_scale
  budget       = var.budget_dollars
  prod_pack    = var.prod_pack
  ip_allowlist = var.ip_allowlist
}
