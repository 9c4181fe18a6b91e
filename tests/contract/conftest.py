"""Each field store in turn, on its real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serverless_sessions import SessionStore
from support.places import FIELD_STORES, field_store


@pytest.fixture(params=FIELD_STORES)
def store_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def each_store(
    store_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[SessionStore]:
    with field_store(store_name, tmp_path, request.getfixturevalue) as store:
        yield store
