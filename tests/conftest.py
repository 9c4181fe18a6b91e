"""The servers' fixtures for every test."""

pytest_plugins = ["servers.fixtures"]
