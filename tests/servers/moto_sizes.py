"""Makes moto measure items as DynamoDB does, in this process.

moto's own limit is 405,000 bytes; it counts an attribute that is set again twice, and does not
count what is set inside a map.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge, ItemSizeToUpdateTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict

LIMIT = 409_600


@functools.cache
def measure_items() -> None:
    LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]  # the cure
    put: Any = DynamoDBBackend.put_item
    update: Any = DynamoDBBackend.update_item

    @functools.wraps(put)
    def put_item(
        self: DynamoDBBackend, table_name: str, item_attrs: Any, *args: Any, **more: Any
    ) -> Any:
        if _size(item_attrs) > LIMIT:
            raise ItemSizeTooLarge
        return put(self, table_name, item_attrs, *args, **more)

    @functools.wraps(update)
    def update_item(
        self: DynamoDBBackend, table_name: str, key: Any, *args: Any, **more: Any
    ) -> Any:
        before = copy.deepcopy(self.get_item(table_name, key))
        item = update(self, table_name, key, *args, **more)
        if _size(item.attrs) > LIMIT:
            if before is None:
                self.delete_item(table_name, key)
            else:
                item.attrs = before.attrs
            raise ItemSizeToUpdateTooLarge
        return item

    DynamoDBBackend.put_item = put_item  # type: ignore[method-assign]  # the cure
    DynamoDBBackend.update_item = update_item  # type: ignore[method-assign]  # the cure


def _size(attributes: dict[str, Any]) -> int:
    return sum(len(name.encode()) + _weight(value) for name, value in attributes.items())


def _weight(value: Any) -> int:
    ((kind, content),) = (value.to_json() if isinstance(value, DynamoType) else value).items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.strip("-0")) + 1) // 2 + 1
        case "L":
            return 3 + sum(1 + _weight(one) for one in content)
        case "M":
            return 3 + len(content) + _size(content)
        case _:
            return 1
