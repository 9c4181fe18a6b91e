"""DynamoDB's servers, driven by boto3."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from serverless_sessions.testing.locked_moto import locked_moto
from servers.moto_server import DynamoDBServer

TABLE = "smoke"
ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
ANYBODY = {"region_name": "eu-west-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}


def with_table(**where: str) -> Any:
    client = boto3.client("dynamodb", config=ONCE, **ANYBODY, **where)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    return client


def writes_and_reads(client: Any) -> bool:
    item = {"id": {"S": "one"}, "v": {"M": {"a.b": {"S": "é"}}}}
    client.put_item(TableName=TABLE, Item=item)
    found = client.get_item(TableName=TABLE, Key={"id": {"S": "one"}}, ConsistentRead=True)
    return bool(found["Item"] == item)


def lost_to_cancelled_transactions(client: Any) -> set[str]:
    """Acknowledged writes that are gone after other transactions were cancelled meanwhile."""
    slow_to_copy = {"M": {f"k{number}": {"N": "1"} for number in range(5000)}}
    client.put_item(TableName=TABLE, Item={"id": {"S": "big"}, "v": slow_to_copy})
    writers, each = 4, 15
    stop = threading.Event()

    def cancel() -> None:
        never = {"TableName": TABLE, "ConditionExpression": "attribute_exists(nothing)"}
        wanted = {"Update": never | {"Key": {"id": {"S": "big"}}, "UpdateExpression": "REMOVE v"}}
        while not stop.is_set():
            with pytest.raises(client.exceptions.TransactionCanceledException):
                client.transact_write_items(TransactItems=[wanted])

    def write(writer: int) -> set[str]:
        ids = {f"{writer}/{number}" for number in range(each)}
        for name in ids:
            client.put_item(TableName=TABLE, Item={"id": {"S": name}})
        return ids

    with ThreadPoolExecutor(writers + 1) as pool:
        cancelling = pool.submit(cancel)
        acknowledged = set().union(*pool.map(write, range(writers)))
        stop.set()
        cancelling.result()
    assert len(acknowledged) == writers * each
    kept = client.scan(TableName=TABLE, ConsistentRead=True, ProjectionExpression="id")["Items"]
    return acknowledged - {item["id"]["S"] for item in kept}


@pytest.fixture
def moto_client(moto_server: DynamoDBServer) -> Any:
    client = with_table(endpoint_url=moto_server.endpoint)
    yield client
    client.delete_table(TableName=TABLE)


def test_moto_keeps_an_item(moto_client: Any) -> None:
    assert writes_and_reads(moto_client)


def test_moto_loses_no_write_to_another_threads_rollback(moto_client: Any) -> None:
    assert lost_to_cancelled_transactions(moto_client) == set()


def test_moto_in_process_is_empty_each_time_and_loses_no_write() -> None:
    for _ in range(2):
        with locked_moto():
            client = with_table()
            assert writes_and_reads(client)
            assert lost_to_cancelled_transactions(client) == set()


def test_dynalite_keeps_an_item(dynalite: DynamoDBServer) -> None:
    client = with_table(endpoint_url=dynalite.endpoint)
    assert writes_and_reads(client)
    client.delete_table(TableName=TABLE)
