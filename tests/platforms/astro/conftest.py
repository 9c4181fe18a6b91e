"""A site of Astro's and a function with one store, over files and over Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from platforms.serving import serving
from servers.astro import Site
from support.shared_visitor import SharedVisitor

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Shared:
    """``records`` are the sessions' texts as they are stored."""

    site: Site
    function_port: int
    records: Records

    def visitor(self) -> SharedVisitor:
        return SharedVisitor(self.site.port, self.function_port)


class Records:
    """What is stored under an id, by the backend's own means."""

    def __init__(self, store: str) -> None:
        url = urlsplit(store)
        self.folder = Path(url.path) if url.scheme == "file" else None
        self.redis = redis.Redis.from_url(url._replace(query="").geturl()) if url.port else None

    def read(self, session_id: str | None) -> str | None:
        if self.folder is not None:
            path = self.path(session_id)
            return path.read_text("utf-8") if path.exists() else None
        assert self.redis is not None
        found = self.redis.get(self.key(session_id))
        assert found is None or isinstance(found, bytes)
        return None if found is None else found.decode()

    def write(self, session_id: str | None, text: str) -> None:
        if self.folder is not None:
            self.path(session_id).write_text(text, "utf-8")
        else:
            assert self.redis is not None
            self.redis.set(self.key(session_id), text)

    def path(self, session_id: str | None) -> Path:
        assert self.folder is not None
        assert session_id is not None
        return self.folder / session_id

    def key(self, session_id: str | None) -> str:
        assert session_id is not None
        return f"astro:{session_id}"

    def close(self) -> None:
        if self.redis is not None:
            self.redis.close()


def sharing(site: Site, folder: Path) -> Iterator[Shared]:
    environment = {"SESSION_STORE": site.store, "PYTHONPATH": str(HERE)}
    records = Records(site.store)
    with serving(folder, target="function_app:handler", **environment) as function:
        yield Shared(site, function.port, records)
    records.close()


@pytest.fixture(scope="session")
def over_files(astro_on_files: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    yield from sharing(astro_on_files, tmp_path_factory.mktemp("function"))


@pytest.fixture(scope="session")
def over_redis(astro_on_redis: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    yield from sharing(astro_on_redis, tmp_path_factory.mktemp("function"))


@pytest.fixture(params=["over_files", "over_redis"])
def shared(request: pytest.FixtureRequest) -> Shared:
    found: Shared = request.getfixturevalue(request.param)
    return found
