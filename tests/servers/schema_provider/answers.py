"""What the provider answers to each call of Terraform's protocol 6, up to a plan."""

from __future__ import annotations

from typing import Any

import msgpack

from .schema import Json, as_wire
from .wire import field, fields

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""How a value that is known after the apply is written."""


class Answers:
    """A method for each call, named as it is; it takes a message and gives one.

    There is none for applying: Terraform is told that the provider has not implemented it.
    """

    def __init__(self, provider: Json) -> None:
        self._resources: Json = provider["resource_schemas"]
        self._schema = as_wire(provider)

    def GetProviderSchema(self, request: bytes) -> bytes:  # noqa: N802
        return self._schema

    def ValidateProviderConfig(self, request: bytes) -> bytes:  # noqa: N802
        return b""

    def ConfigureProvider(self, request: bytes) -> bytes:  # noqa: N802
        return b""

    def ValidateResourceConfig(self, request: bytes) -> bytes:  # noqa: N802
        return b""

    def StopProvider(self, request: bytes) -> bytes:  # noqa: N802
        return b""

    def PlanResourceChange(self, request: bytes) -> bytes:  # noqa: N802
        """As it is proposed, with what a provider computes left unknown."""
        asked = fields(request)
        block = self._resources[asked[1][0].decode()]["block"]
        proposed = msgpack.unpackb(fields(asked[3][0])[1][0], strict_map_key=False)
        return field(1, field(1, msgpack.packb(_computed(block, proposed))))


def _computed(block: Json, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    out = dict(value)
    for name, attribute in block.get("attributes", {}).items():
        if out[name] is None and attribute.get("computed"):
            out[name] = UNKNOWN
    for name, nested in block.get("block_types", {}).items():
        inner = out[name]
        if isinstance(inner, list):
            out[name] = [_computed(nested["block"], one) for one in inner]
        else:
            out[name] = _computed(nested["block"], inner)
    return out
