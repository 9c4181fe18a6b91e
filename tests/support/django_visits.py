"""A Django site with its visitor, for one test each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serverless_sessions import MemoryStore
from serverless_sessions.testing.watched import WatchedStore
from support import django_site

django_site.configure()

from django.test import Client, override_settings  # noqa: E402

NAME = "__Host-session"


class Site:
    """The site, the store in which it keeps its sessions, and the browser that visits it."""

    def __init__(self) -> None:
        self.store = WatchedStore(MemoryStore())
        self.browser = Client(raise_request_exception=False)

    def get(self, path: str) -> Any:
        return self.browser.get(path)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status_code == 200, response
        body: bytes = b"".join(response) if response.streaming else response.content
        return body.decode()

    @property
    def id(self) -> str:
        return str(self.browser.cookies[NAME].value)

    def users(self) -> list[str | None]:
        return [record.facts.user for _, record in self.store.inner.scan()]

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}


def in_use(middleware: str) -> Iterator[Site]:
    site = Site()
    settings = {"MIDDLEWARE": django_site.middleware(middleware), "SESSION_STORE": site.store}
    with override_settings(**settings):
        yield site
