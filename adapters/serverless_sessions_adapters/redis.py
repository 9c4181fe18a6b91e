"""Sessions in Redis 6.2 or newer, or Valkey: a single server or a cluster."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.sansio import Request
from serverless_sessions.skew import clock_finding
from serverless_sessions.store import Finding
from serverless_sessions.urls import StoreURL

from ._redis_documents import ScriptTexts, ScriptTextStore, base_of
from ._redis_operations import DEFAULT_PREFIX, MAX_BYTES, PAGE, ScriptOperations, ScriptStore, asked

CONNECT_SECONDS = 1.0
AT_ONCE = 100
"""Connections of an event loop: further calls wait for one, as long as their time lasts."""
ONE_EACH = 2**31
"""No bound on the connections of threads, as one holds one at most. redis-py fails past 100."""
LEAST_VERSION = (6, 2)
RIGHTS = "+@hash +@sortedset +@keyspace +@scripting +@connection +info +time"
"""For an ACL, beside the prefix of the keys."""
_DENIED = f"the user may not do this, which takes {RIGHTS} on keys that begin with the prefix"
_DENIED_INSIDE = ("executing the script can't", "ACL failure in script")
"""How a script says that its user may not call a command; redis-py has no class for that."""


class RedisStore(ScriptStore):
    """Keeps each session in a hash, changed by one script for each operation.

    ``client`` is a ``redis.Redis`` or ``RedisCluster``, and ``open_async`` opens its counterpart
    of ``redis.asyncio``; both decode responses. ``open_url`` makes them with retries off, and
    bounds each socket operation by the time that the call has left.

    With an eviction policy other than noeviction, Redis ends sessions at will when its memory is
    short: ``check`` tells.
    """

    operations: RedisOperations

    def __init__(
        self,
        client: Any,
        open_async: Callable[[], Any] | None = None,
        *,
        prefix: str = DEFAULT_PREFIX,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        super().__init__(RedisOperations(prefix, max_bytes), client, open_async)

    def places(self) -> Iterator[str]:
        found: Iterator[str] = self.client.scan_iter(match=self.operations.places, count=PAGE)
        return found

    def check(self) -> list[Finding]:
        """Look for scripts, the version and the eviction policy; a random key is read."""
        self.load(secrets.token_hex(32))
        info = self.ask("looking at the server", asked(lambda client: client.info()))
        return [*_findings(info), clock_finding(self._time)]

    def _time(self) -> float:
        return _time(self.ask("asking the time", asked(lambda client: client.time())))


class RedisTextStore(ScriptTextStore):
    """Keeps each session in a text where Astro's redis driver keeps its own."""

    def check(self) -> list[Finding]:
        """As of ``RedisStore``."""
        self.load(secrets.token_hex(32))
        info = self.ask("looking at the server", asked(lambda connected: connected.client.info()))
        return [*_findings(info), clock_finding(self._time)]

    def _time(self) -> float:
        return _time(self.ask("asking the time", asked(lambda connected: connected.client.time())))


class RedisOperations(ScriptOperations):
    """The operations as redis-py's clients carry them out."""

    kind = "redis"

    def command(self, name: str, code: str, keys: list[str], arguments: list[str]) -> Request:
        method = name.lower()
        return lambda client: getattr(client, method)(code, len(keys), *keys, *arguments)

    def is_unknown_script(self, error: Exception) -> bool:
        return isinstance(error, redis.exceptions.NoScriptError)

    def translated(self, error: Exception, action: str) -> SessionError:
        what = f"{action} in Redis: {type(error).__name__}"
        match error:
            case redis.TimeoutError():
                return StoreTimeout(what)
            case redis.AuthenticationError() | redis.exceptions.AuthorizationError():
                return AccessDenied(f"{what}: user name or password in SESSION_STORE is wrong")
            case redis.exceptions.NoPermissionError():
                return AccessDenied(f"{what}: {_DENIED}")
            case redis.ResponseError() if any(text in str(error) for text in _DENIED_INSIDE):
                return AccessDenied(f"{what}: {_DENIED}")
            case redis.ResponseError() if str(error).startswith("WRONGTYPE"):
                return ConfigurationError(
                    f"{action} in Redis: another program uses these keys; "
                    "name another prefix in SESSION_STORE, as in redis://host?prefix=shop"
                )
            case _:
                return StoreUnavailable(what)


def _time(told: Any) -> float:
    """What TIME says, of a cluster the first that answered."""
    seconds, microseconds = next(iter(told.values())) if isinstance(told, dict) else told
    return float(seconds + microseconds / 1e6)


def _findings(info: dict[str, Any]) -> list[Finding]:
    """On what INFO says of the server, or of each node of a cluster."""
    findings = [Finding(True, "Redis runs the scripts")]
    for node in [info] if "redis_version" in info else list(info.values()):
        version = tuple(map(int, node["redis_version"].split(".")[:2]))
        findings.append(
            Finding(
                version >= LEAST_VERSION,
                f"the server speaks for Redis {node['redis_version']}",
                "use Redis 6.2 or newer, or Valkey",
            )
        )
        policy = node.get("maxmemory_policy", "unknown")
        findings.append(
            Finding(
                policy == "noeviction" or not node.get("maxmemory"),
                f"maxmemory-policy is {policy}",
                "any other ends sessions at will when memory is short: `redis-cli config set"
                " maxmemory-policy noeviction`, and in redis.conf",
            )
        )
    return findings


if TYPE_CHECKING:
    _Connection = redis.Connection
else:
    _Connection = object


class _Bounded(_Connection):
    """Gives each socket operation the time that is left for the store call, and no more."""

    def connect(self) -> None:
        self._bound()
        super().connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self._bound()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]

    def read_response(self, *args: Any, **options: Any) -> Any:
        self._bound()
        return super().read_response(*args, **options)

    def _bound(self) -> None:
        seconds = max(clock.time_left(), 0.001)
        self.socket_timeout = seconds
        self.socket_connect_timeout = min(CONNECT_SECONDS, seconds)
        if self._sock is not None:
            self._sock.settimeout(seconds)


class BoundedConnection(_Bounded, redis.Connection):
    pass


class BoundedTLSConnection(_Bounded, redis.SSLConnection):
    pass


class _LazyCluster:
    """A cluster's client, made at the first call: redis-py asks for the nodes as it makes it."""

    def __init__(self, make: Callable[[], redis.RedisCluster]) -> None:
        self._make = make

    @cached_property
    def _client(self) -> redis.RedisCluster:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def close(self) -> None:
        if "_client" in self.__dict__:
            # Its own close leaves the connections open.
            self._client.disconnect_connection_pools()  # type: ignore[no-untyped-call]  # redis-py's
            self._client.close()


class _AsyncCluster:
    """An asynchronous client of a cluster: one caller looks for the nodes while others wait.

    redis-py lets them call meanwhile, and then closes their connections. Its nodes refuse who
    finds no connection free, so calls wait here for their turn.
    """

    def __init__(self, client: redis.asyncio.RedisCluster) -> None:
        self._client = client
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def evalsha(self, *arguments: Any) -> Any:
        async with self._room:
            return await (await self._ready()).evalsha(*arguments)

    async def eval(self, *arguments: Any) -> Any:
        async with self._room:
            return await (await self._ready()).eval(*arguments)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ready(self) -> redis.asyncio.RedisCluster:
        async with self._turn:
            return await self._client.initialize()


def open_url(url: StoreURL) -> RedisStore | RedisTextStore:
    """``redis://user:password@host:port/0``, or ``rediss://`` for TLS.

    Parameters: ``prefix`` of the keys (session), ``cluster`` (off), ``max_bytes`` of a session,
    ``ca``, a file of certificates to trust besides the system's. With ``layout=astro``, sessions
    are where Astro's redis driver with the option ``base`` keeps them; ``max_bytes`` is of a text.
    """
    url.allow_parts("user", "password", "host", "port", "path")
    with url.parameters() as take:
        base = base_of(url, take)
        prefix = take.text("prefix", DEFAULT_PREFIX)
        max_bytes = take.integer("max_bytes", MAX_BYTES, least=1)
        cluster = take.flag("cluster", False)
        ca = take.text("ca")
    options: dict[str, Any] = {
        "host": url.host or "localhost",
        "port": url.port or 6379,
        "username": url.user,
        "password": url.password,
        "decode_responses": True,
        "protocol": 2,
    }
    tls = url.scheme == "rediss"
    if ca and not tls:
        raise ConfigurationError(f"{url}: ca is for rediss:// alone")
    if ca:
        options["ssl_ca_certs"] = ca
    if cluster and url.path.strip("/"):
        raise ConfigurationError(f"{url}: a cluster has no numbered databases")
    if not cluster:
        options["db"] = _database(url)
    if base is not None:  # so that what is no UTF-8 can be compared, and removed
        options["encoding_errors"] = "surrogateescape"
    client, open_async = (_cluster if cluster else _single)(options, tls)
    if base is not None:
        return RedisTextStore(ScriptTexts(RedisOperations(), base, max_bytes), client, open_async)
    return RedisStore(client, open_async, prefix=prefix, max_bytes=max_bytes)


def _database(url: StoreURL) -> int:
    number = url.path.strip("/") or "0"
    if not (number.isascii() and number.isdigit()):
        raise ConfigurationError(f"{url}: the path is the number of a database, as in /0")
    return int(number)


def _single(options: dict[str, Any], tls: bool) -> tuple[redis.Redis, Callable[[], Any]]:
    pool: redis.ConnectionPool = redis.ConnectionPool(
        connection_class=BoundedTLSConnection if tls else BoundedConnection,
        retry=Retry(NoBackoff(), 0),
        max_connections=ONE_EACH,
        **options,
    )

    def open_async() -> redis.asyncio.Redis:
        pool = redis.asyncio.BlockingConnectionPool(
            max_connections=AT_ONCE,
            timeout=None,
            connection_class=redis.asyncio.SSLConnection if tls else redis.asyncio.Connection,
            retry=AsyncRetry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            **options,
        )
        return redis.asyncio.Redis.from_pool(pool)

    return redis.Redis.from_pool(pool), open_async


def _cluster(options: dict[str, Any], tls: bool) -> tuple[_LazyCluster, Callable[[], Any]]:
    host, port = options["host"], options["port"]
    shown = f"[{host}]" if ":" in host else host
    rest = {name: value for name, value in options.items() if name not in ("host", "port")}

    def make() -> redis.RedisCluster:
        # Given a url, redis-py lets the connections be of a class of ours.
        return redis.RedisCluster.from_url(
            f"redis://{shown}:{port}",
            connection_class=BoundedTLSConnection if tls else BoundedConnection,
            retry=Retry(NoBackoff(), 0),
            max_connections=ONE_EACH,
            **rest,
        )

    def open_async() -> _AsyncCluster:
        client = redis.asyncio.RedisCluster(
            retry=AsyncRetry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            max_connections=AT_ONCE,
            ssl=tls,
            **options,
        )
        return _AsyncCluster(client)

    return _LazyCluster(make), open_async
