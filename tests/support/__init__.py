"""What tests share: a client with a cookie jar, and a store that counts and interferes."""
