"""Where each field store is kept in the tests: a server's url, and what the environment says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from serverless_sessions import MemoryStore, SessionStore, open_store
from serverless_sessions.errors import Unsupported
from serverless_sessions_adapters.sqlite import SqliteStore
from servers.fault_proxy import Speak
from servers.grpc_frames import speak_grpc
from servers.lockstep import speak_http, speak_redis
from servers.process import HOST
from support.dynamodb import in_process


class Place(NamedTuple):
    """``SESSION_STORE``, and the variables that are set beside it."""

    url: str
    environment: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        return {**self.environment, "SESSION_STORE": self.url}

    @contextmanager
    def opened(self) -> Iterator[SessionStore]:
        """The store, made ready for use."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            store = open_store(self.url)
            assert isinstance(store, SessionStore)
            with closing(store):
                with suppress(Unsupported):
                    store.provision()
                yield store


class Kind(NamedTuple):
    """The fixture that starts the server, its protocol, and the place of a store on a port."""

    server: str
    speak: Speak
    place: Callable[[Any, int], Place]


def _dynamodb(_: Any, port: int) -> Place:
    url = f"dynamodb://sessions?region=eu-west-1&endpoint=http://{HOST}:{port}"
    return Place(url, {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "secret"})


def _firestore(_: Any, port: int) -> Place:
    return Place("firestore://demo/sessions", {"FIRESTORE_EMULATOR_HOST": f"{HOST}:{port}"})


def _azure_tables(server: Any, port: int) -> Place:
    connection = server.connection_string.replace(f":{server.port}/", f":{port}/")
    return Place("azure-tables:///sessions", {"AZURE_STORAGE_CONNECTION_STRING": connection})


def _upstash(server: Any, port: int) -> Place:
    variables = {
        "UPSTASH_REDIS_REST_URL": f"http://{HOST}:{port}",
        "UPSTASH_REDIS_REST_TOKEN": server.token,
    }
    return Place("upstash", variables)


def _redis(_: Any, port: int) -> Place:
    return Place(f"redis://{HOST}:{port}", {})


KINDS = {
    "dynamodb": Kind("moto_server", speak_http, _dynamodb),
    "firestore": Kind("firestore_emulator", speak_grpc, _firestore),
    "azure-tables": Kind("azurite", speak_http, _azure_tables),
    "upstash": Kind("upstash", speak_http, _upstash),
    "redis": Kind("redis_server", speak_redis, _redis),
}


def _texts(place: Callable[[Any, int], Place], url: str) -> Callable[[Any, int], Place]:
    def texts(server: Any, port: int) -> Place:
        return place(server, port)._replace(url=url.format(host=HOST, port=port))

    return texts


TEXT_KINDS = {
    "redis": KINDS["redis"]._replace(
        place=_texts(_redis, "redis://{host}:{port}?layout=astro&base=site")
    ),
    "upstash": KINDS["upstash"]._replace(
        place=_texts(_upstash, "upstash://?layout=astro&base=site")
    ),
    "azure-tables": KINDS["azure-tables"]._replace(
        place=_texts(_azure_tables, "azure-tables:///site?layout=astro")
    ),
}
"""The same servers with sessions laid out as Astro's drivers lay out theirs."""


def _netlify_blobs(server: Any, port: int) -> Place:
    return Place("netlify-blobs", {"NETLIFY_BLOBS_CONTEXT": server.context(port)})


def _cloudflare_kv(server: Any, port: int) -> Place:
    return Place(server.url(port), {"CLOUDFLARE_API_TOKEN": server.token})


def _deno_kv(server: Any, port: int) -> Place:
    url = f"deno-kv://?endpoint=http://{HOST}:{port}"
    return Place(url, {"DENO_KV_ACCESS_TOKEN": server.token})


EDGE_KINDS = {
    "netlify-blobs": Kind("netlify_blobs", speak_http, _netlify_blobs),
    "deno-kv": Kind("deno_kv", speak_http, _deno_kv),
    "cloudflare-kv": Kind("cloudflare_kv", speak_http, _cloudflare_kv),
}
"""Services that keep texts and nothing else."""

FIELD_STORES = ["memory", "sqlite", *KINDS]


@contextmanager
def field_store(name: str, folder: Path, fixture: Callable[[str], Any]) -> Iterator[SessionStore]:
    """The store of that name of FIELD_STORES; ``fixture`` gives the server of a name.

    DynamoDB is in this process: behind HTTP its lock makes what is parallel take minutes.
    """
    if name == "memory":
        yield MemoryStore()
    elif name == "sqlite":
        with closing(SqliteStore(folder / "sessions.db")) as sqlite:
            yield sqlite
    elif name == "dynamodb":
        with in_process() as dynamodb:
            yield dynamodb
    else:
        kind = KINDS[name]
        server = fixture(kind.server)
        with kind.place(server, server.port).opened() as opened:
            yield opened
