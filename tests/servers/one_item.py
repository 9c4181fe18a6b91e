"""One item on a server, written and read by the server's official SDK."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import redis
import upstash_redis
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from botocore.config import Config
from redis.backoff import NoBackoff
from redis.retry import Retry

from servers.azurite import Azurite
from servers.moto_server import DynamoDBServer
from servers.process import HOST
from servers.redis_server import RedisServer
from servers.upstash_bridge import Upstash

PATIENCE = 20.0


@dataclass
class Item:
    write: Callable[[str], object]
    read: Callable[[], str | None]


Opener = Callable[[int, float], Item]
"""From a port, the server's or a proxy's, and the seconds to wait, to the item by a new client."""


def _dynamodb(endpoint: str, timeout: float) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=timeout),
    )


def open_dynamodb(server: DynamoDBServer, closing: ExitStack) -> Opener:
    table = f"t{secrets.token_hex(8)}"

    def opened(port: int, timeout: float) -> Item:
        client = _dynamodb(f"http://{HOST}:{port}", timeout)
        closing.callback(client.close)
        key = {"id": {"S": "one"}}

        def read() -> str | None:
            found = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
            return found["v"]["S"] if found else None

        return Item(lambda v: client.put_item(TableName=table, Item={**key, "v": {"S": v}}), read)

    admin = _dynamodb(server.endpoint, PATIENCE)
    admin.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    closing.callback(admin.close)
    closing.callback(admin.delete_table, TableName=table)
    return opened


def open_azurite(server: Azurite, closing: ExitStack) -> Opener:
    table = f"t{secrets.token_hex(8)}"
    key = {"PartitionKey": "p", "RowKey": "one"}

    def table_client(port: int, timeout: float) -> TableClient:
        text = server.connection_string.replace(str(server.port), str(port))
        client = TableClient.from_connection_string(
            text, table, retry_total=0, read_timeout=timeout
        )
        closing.callback(client.close)
        return client

    def opened(port: int, timeout: float) -> Item:
        client = table_client(port, timeout)

        def read() -> str | None:
            try:
                return str(client.get_entity("p", "one")["v"])
            except ResourceNotFoundError:
                return None

        return Item(lambda v: client.upsert_entity({**key, "v": v}), read)

    admin = table_client(server.port, PATIENCE)
    admin.create_table()
    closing.callback(admin.delete_table)
    return opened


def open_redis(_: RedisServer, closing: ExitStack) -> Opener:
    key = secrets.token_hex(8)

    def opened(port: int, timeout: float) -> Item:
        client = redis.Redis(
            port=port,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        closing.callback(client.close)

        def read() -> str | None:
            found: Any = client.get(key)
            return found if found is None else str(found)

        return Item(lambda v: client.set(key, v), read)

    return opened


def open_upstash(server: Upstash, closing: ExitStack) -> Opener:
    key = secrets.token_hex(8)

    def opened(port: int, timeout: float) -> Item:
        client = upstash_redis.Redis(f"http://{HOST}:{port}", server.token, rest_retries=0)
        closing.callback(client.close)
        client._http._client.timeout = httpx.Timeout(timeout)  # the SDK gives it none
        return Item(lambda v: client.set(key, v), lambda: client.get(key))

    return opened
