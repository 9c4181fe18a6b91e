"""A schema as `terraform providers schema -json` tells it, turned into what a provider answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .wire import field, repeated

Json = Mapping[str, Any]

_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
_FLAGS = {"required": 4, "optional": 5, "computed": 6, "sensitive": 7}


def as_wire(provider: Json) -> bytes:
    """``GetProviderSchema.Response`` of tfplugin6.proto."""
    resources = provider["resource_schemas"].items()
    named = (field(1, name) + field(2, _schema(one)) for name, one in resources)
    return field(1, _schema(provider["provider"])) + repeated(2, named)


def _schema(schema: Json) -> bytes:
    return field(1, schema.get("version", 0)) + field(2, _block(schema["block"]))


def _block(block: Json) -> bytes:
    attributes = (_attribute(*one) for one in block.get("attributes", {}).items())
    return repeated(2, attributes) + repeated(3, _nested(block))


def _attribute(name: str, attribute: Json) -> bytes:
    flags = (field(number, bool(attribute.get(flag))) for flag, number in _FLAGS.items())
    return field(1, name) + field(2, json.dumps(attribute["type"])) + b"".join(flags)


def _nested(block: Json) -> Iterator[bytes]:
    for name, nested in block.get("block_types", {}).items():
        yield (
            field(1, name)
            + field(2, _block(nested["block"]))
            + field(3, _NESTING[nested["nesting_mode"]])
            + field(4, nested.get("min_items", 0))
            + field(5, nested.get("max_items", 0))
        )
