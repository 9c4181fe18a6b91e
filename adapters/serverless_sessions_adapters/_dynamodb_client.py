"""The client of DynamoDB: made for functions, held to the time of each call, and believed only
when a reply arrived whole."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from urllib3.util import Timeout

from serverless_sessions import clock
from serverless_sessions.errors import AccessDenied, ConfigurationError

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
"""For what the client asks outside a store call, which ``TimeLeft`` does not reach."""
CONNECTIONS = 50
"""As many are kept open; more threads than that open more and close them again."""

_AWS_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")


class TimeLeft(Timeout):
    """What a request of this moment may take, connecting included.

    botocore knows one time-out for all calls of a client, and gives it to urllib3, which asks the
    time-out of its pool for a clone as each request begins.
    """

    def clone(self) -> Timeout:
        left = max(clock.time_left(), 0.001)
        return Timeout(connect=min(CONNECT_SECONDS, left), read=left, total=left)


def open_client(region: str | None, endpoint: str | None) -> Any:
    """A client with boto3's own search for region and credentials.

    It opens no connection; only where the environment and the files have no credentials, whoever
    gives them to this machine is asked: the metadata service of an instance for two seconds at
    most, that of a container for some ten.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
    )
    try:
        session = boto3.session.Session()
        client = session.client(
            "dynamodb", region_name=region, endpoint_url=endpoint, config=config
        )
    except NoRegionError as error:
        raise ConfigurationError(
            "DynamoDB needs a region: dynamodb://TABLE?region=eu-west-1, or AWS_DEFAULT_REGION"
        ) from error
    except CredentialRetrievalError as error:
        raise AccessDenied(
            "opening DynamoDB: whom boto3 asked for AWS credentials gave it none"
            f" ({type(error).__name__})"
        ) from error
    except (PartialCredentialsError, ProfileNotFound) as error:
        raise ConfigurationError(f"the AWS settings of this environment: {error}") from error
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"no client of DynamoDB can be made of region and endpoint ({type(error).__name__})"
        ) from error
    bound_each_request(client)
    client.meta.events.register("before-parse.dynamodb", refuse_damaged)
    return client


def bound_each_request(client: Any) -> None:
    """Let each request of ``client`` take the time that its store call has left."""
    http = client._endpoint.http_session
    http._timeout = http._manager.connection_pool_kw["timeout"] = TimeLeft(
        connect=CONNECT_SECONDS, read=READ_SECONDS
    )


class DamagedAnswer(Exception):
    """An answer was cut off, altered, or written by somebody else."""


def refuse_damaged(response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise DamagedAnswer unless an answer is one.

    With retries off botocore takes whatever came: half a JSON text counts as an empty answer,
    which would say that there is no session.
    """
    body, headers = response_dict["body"], response_dict["headers"]
    length, checksum = headers.get("content-length"), headers.get("x-amz-crc32")
    whole = (
        length in (None, str(len(body)))
        and checksum in (None, str(crc32(body)))
        and (length or checksum or "transfer-encoding" in headers)
        and body.startswith(b"{")
        and body.endswith(b"}")
    )
    if not whole:
        raise DamagedAnswer(f"it has status {response_dict['status_code']}")


def is_aws(client: Any) -> bool:
    """Whether the real DynamoDB answers, and no emulator or workalike."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith(_AWS_SUFFIXES)
