"""One item on the servers that test_faults.py leaves out, and what is special about each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from upstash_redis import Redis as UpstashRedis
from upstash_redis.errors import UpstashError

from servers.azure_sign_in import SelfMadeCredential
from servers.azurite import Azurite
from servers.one_item import PATIENCE, open_redis
from servers.redis_cluster import RedisCluster
from servers.redis_server import RedisServer
from servers.upstash_bridge import Upstash


@pytest.mark.parametrize(
    ("fixture", "version"), [("redis_server", "7"), ("redis_6", "6.2"), ("valkey", "8")]
)
def test_each_redis_keeps_an_item(
    request: pytest.FixtureRequest, fixture: str, version: str
) -> None:
    server: RedisServer = request.getfixturevalue(fixture)
    assert server.version.split()[1].startswith(f"{version}.")
    with ExitStack() as closing:
        item = open_redis(server, closing)(server.port, PATIENCE)
        item.write("é")
        assert item.read() == "é"


def test_redis_over_tls_wants_the_password(redis_over_tls: RedisServer) -> None:
    server = redis_over_tls
    trusted: Any = {"ssl_ca_certs": str(server.certificate)}
    with redis.Redis.from_url(server.url, **trusted) as client:
        client.set("k", "v")
        assert client.get("k") == b"v"
    with (
        redis.Redis(port=server.port, ssl=True, **trusted) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_the_cluster_spreads_keys_over_three_nodes(redis_cluster: RedisCluster) -> None:
    keys = [f"{{{number}}}" for number in range(60)]
    with redis.RedisCluster.from_url(redis_cluster.url) as client, ExitStack() as closing:
        closing.callback(client.disconnect_connection_pools)  # which its own close leaves open
        for key in keys:
            client.set(key, key)
            assert client.get(key) == key.encode()
        assert {client.get_node_from_key(key).port for key in keys} == set(redis_cluster.ports)
    with (
        redis.Redis(port=redis_cluster.ports[0]) as single,
        pytest.raises(redis.ResponseError, match="same slot"),
    ):
        single.mget(keys)


@pytest.fixture
def upstash_client(upstash: Upstash) -> Iterator[UpstashRedis]:
    with UpstashRedis(upstash.url, upstash.token, rest_retries=0) as client:
        yield client


def test_upstash_runs_a_script_a_pipeline_and_a_transaction(upstash_client: UpstashRedis) -> None:
    script = "return {ARGV[1], 7, false, redis.status_reply('X')}"
    assert upstash_client.eval(script, args=["é"]) == ["é", 7, None, "X"]
    pipeline, transaction = upstash_client.pipeline(), upstash_client.multi()
    for batch in (pipeline, transaction):
        batch.set("k", "OK")
        batch.get("k")
        assert batch.exec() == [True, "OK"]


def test_upstash_reports_errors_where_they_belong(upstash_client: UpstashRedis) -> None:
    upstash_client.set("k", "v")
    for command, error in (
        (["INCR", "k"], "ERR value is not an integer"),
        (["NO"], "ERR unknown command"),
        (["MULTI"], "not available"),
        ([], "ERR empty command"),
    ):
        with pytest.raises(UpstashError, match=error):
            upstash_client.execute(command)
    pipeline = upstash_client.pipeline()
    pipeline.incr("k")
    pipeline.set("k", "after")
    with pytest.raises(UpstashError, match="not an integer"):
        pipeline.exec()
    assert upstash_client.get("k") == "after"


def test_upstash_wants_a_token_and_keeps_to_what_it_allows(
    upstash: Upstash, upstash_client: UpstashRedis
) -> None:
    upstash_client.set("k", "v")
    with UpstashRedis(upstash.url, upstash.read_only_token, rest_retries=0) as reader:
        assert reader.get("k") == "v"
        with pytest.raises(UpstashError, match="NOPERM"):
            reader.set("k", "x")
    with (
        UpstashRedis(upstash.url, "wrong", rest_retries=0) as stranger,
        pytest.raises(UpstashError, match="WRONGPASS"),
    ):
        stranger.get("k")


def test_azurite_takes_a_token_over_https(azurite_with_sign_in: Azurite) -> None:
    server = azurite_with_sign_in
    trusted: Any = {"connection_verify": str(server.certificate), "retry_total": 0}
    with TableServiceClient(server.endpoint, credential=SelfMadeCredential(), **trusted) as service:
        table = service.create_table_if_not_exists("smoke")
        table.upsert_entity({"PartitionKey": "p", "RowKey": "r", "v": "é"})
        assert table.get_entity("p", "r")["v"] == "é"
    with (
        TableServiceClient(
            server.endpoint, credential=SelfMadeCredential("https://elsewhere"), **trusted
        ) as stranger,
        pytest.raises(ClientAuthenticationError),
    ):
        stranger.create_table("other")
