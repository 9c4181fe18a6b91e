"""Backends of texts in memory, with conditional writes and without, and texts that are damaged."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

from serverless_sessions.document import AsyncDocuments, Documents
from serverless_sessions.errors import Conflict
from serverless_sessions.store import ABSENT

DEAD = [
    '[["Map",1,2],"_sls.facts",{"data":3,"expires":-1},{"rid":4},"r"]',
    '[["Map",1,2],"_sls.moved",{"data":3,"expires":-1},{"to":4},5]',
]
"""Half records: facts or a marker of which something is missing. No session to anybody."""

HALF = [
    *DEAD,
    '[["Map"]]',
    '[["Map",1,2],"a",{"data":3},1]',
]
"""Where nothing is adopted from Astro, a session without facts is half of one."""


class MemoryDocuments(Documents):
    """Texts in a dict; what they are asked is counted."""

    kind = "test"

    def __init__(self, *, conditional: bool = True) -> None:
        self.conditional = conditional
        self.texts: dict[str, tuple[str, int]] = {}
        self.asked: list[str] = []
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[str, int] | None:
        self.asked.append("get")
        return self.texts.get(key)

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> int:
        self.asked.append("put")
        with self._lock:
            _, version = self.texts.get(key, ("", ABSENT))
            if self.conditional and version != if_version:
                raise Conflict("somebody was first")
            self.texts[key] = text, next(self._versions)
            return self.texts[key][1]

    def remove(self, key: str) -> None:
        self.asked.append("remove")
        self.texts.pop(key, None)

    def keys(self) -> Iterator[str]:
        return iter(list(self.texts))


class AwaitedDocuments(AsyncDocuments):
    """The same texts, for who awaits them."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents

    async def get(self, key: str) -> tuple[str, int] | None:
        return self._documents.get(key)

    async def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> int:
        return self._documents.put(key, text, if_version=if_version, expires=expires)

    async def remove(self, key: str) -> None:
        self._documents.remove(key)
