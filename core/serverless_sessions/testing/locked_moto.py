"""moto's DynamoDB made as atomic as DynamoDB is.

moto carries out an update as read, check and write with nothing around them, and undoes a
cancelled transaction by putting a copy of the whole table back: under threads, writes that were
acknowledged are lost.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import MissingDependency

_lock = threading.RLock()


@functools.cache
def make_atomic() -> None:
    """From now on moto carries out one DynamoDB request at a time, in this process.

    Raises MissingDependency where moto is not installed.
    """
    try:
        from moto.dynamodb.responses import DynamoHandler
    except ImportError as error:
        raise MissingDependency(
            'DynamoDB in process needs moto: pip install "moto[dynamodb]"'
        ) from error
    unlocked = DynamoHandler.call_action

    @functools.wraps(unlocked)
    def call_action(self: DynamoHandler) -> Any:
        with _lock:
            return unlocked(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]  # that is the cure


@contextmanager
def locked_moto() -> Iterator[None]:
    """``mock_aws`` with an atomic DynamoDB: AWS in this process, and empty, for the block."""
    make_atomic()
    from moto import mock_aws

    with mock_aws():
        yield
