"""Bodies for Azure's Resource Manager, held against the models of Microsoft's own libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

MODELS = {
    "Microsoft.Storage/storageAccounts/tableServices/tables": ("storage", "Table"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "web",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
}


def problems(kind: str, body: Mapping[str, Any]) -> list[str]:
    """What the models do not know, or have otherwise, in the body of a resource such as
    Microsoft.Web/sites@2024-04-01. Raises KeyError for a resource that has no model here."""
    library, name = MODELS[kind.partition("@")[0]]
    # They take seconds to import, which the collection of all tests should not pay.
    module = import_module(f"azure.mgmt.{library}.models")
    return list(_unlike(kind, body, getattr(module, name), module))


def _unlike(where: str, value: Any, hint: Any, module: ModuleType) -> Iterator[str]:
    """``hint`` is the type of a property: a model, an enumeration with str, a list, or plain."""
    choices = [hint, *get_args(hint)]
    for choice in choices:
        if isinstance(value, dict) and hasattr(choice, "as_dict"):
            yield from _unlike_model(where, value, choice, module)
            return
        if isinstance(value, list) and get_origin(choice) is list:
            for one in value:
                yield from _unlike(f"{where}[]", one, get_args(choice)[0], module)
            return
    enumerations = [one for one in choices if isinstance(one, type) and issubclass(one, Enum)]
    if enumerations and isinstance(value, str):
        allowed = [member.value for one in enumerations for member in one]
        if value not in allowed:
            yield f"{where} is {value!r}, and may be {', '.join(allowed)}"
    elif isinstance(value, dict | list) and dict not in (get_origin(one) for one in choices):
        yield f"{where} is no {type(value).__name__}"
    elif isinstance(value, bool) and bool not in choices:
        yield f"{where} is no bool"


def _unlike_model(
    where: str, value: Mapping[str, Any], model: Any, module: ModuleType
) -> Iterator[str]:
    hints = get_type_hints(model, localns={"_models": module})
    known = {
        getattr(field, "_rest_name_input") or name: hints[name]  # noqa: B009  (theirs alone)
        for base in model.__mro__
        for name, field in vars(base).items()
        if hasattr(field, "_rest_name_input")
    }
    for name, one in value.items():
        if name in known:
            yield from _unlike(f"{where}.{name}", one, known[name], module)
        else:
            yield f"{where} has no {name}"
