"""The real servers that the stores are tested on, each started on loopback by a context manager."""
