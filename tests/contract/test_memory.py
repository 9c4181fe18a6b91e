"""The contract suite over the reference implementation."""

import platform
from collections.abc import Callable

import pytest

from serverless_sessions.memory import MemoryStore
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, record_property: Callable[[str, object], None]) -> SessionStore:
        record_property("store_server", f"Python {platform.python_version()}")
        return MemoryStore()


def test_the_limit_is_the_callers_choice() -> None:
    assert MemoryStore(max_bytes=10).guarantees.max_bytes == 10
