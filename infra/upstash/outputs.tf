output "store" {
  description = "SESSION_STORE of a function, which finds the rest in `environment`."
  value       = "upstash://"
}

output "url" {
  description = "Where the database is reached by REST."
  value       = local.url
  sensitive   = true
}

output "token" {
  description = "What a caller by REST shows."
  value       = upstash_redis_database.this.rest_token
  sensitive   = true
}

output "environment" {
  description = "Url and token by the names the library looks for, for the input environment of the other modules."
  sensitive   = true
  value = {
    (local.url_variable)   = local.url
    (local.token_variable) = upstash_redis_database.this.rest_token
  }
}
