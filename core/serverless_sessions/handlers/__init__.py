"""Front doors: one module for each place where a platform hands a request to a function."""
