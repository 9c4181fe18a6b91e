"""What a Terraform module's files say, as far as tests compare it with something else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hcl2

from support.terraform import INFRA


def blocks(module: str, kind: str) -> dict[str, dict[str, Any]]:
    """The blocks of a kind with one label, such as the variables, by label."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((INFRA / module).glob("*.tf")):
        for block in _parsed(file).get(kind, []):
            found |= {_bare(label): body for label, body in block.items()}
    return found


def local_values(module: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in sorted((INFRA / module).glob("*.tf")):
        for block in _parsed(file).get("locals", []):
            found |= {name: _value(value) for name, value in block.items()}
    return found


def inputs_table(module: str) -> str:
    """The inputs in Markdown, with what is required in place of a default."""
    rows = ["| input | type | default | meaning |", "|---|---|---|---|"]
    for name, body in blocks(module, "variable").items():
        default = f"`{_shown(body['default'])}`" if "default" in body else "required"
        kind = re.sub(r"^object.*", "object", _shown(body["type"]), flags=re.DOTALL)
        rows.append(f"| `{name}` | {kind} | {default} | {_value(body['description'])} |")
    return "\n".join(rows) + "\n"


def outputs_table(module: str) -> str:
    rows = ["| output | meaning |", "|---|---|"]
    for name, body in blocks(module, "output").items():
        secret = " Sensitive." if body.get("sensitive") else ""
        rows.append(f"| `{name}` | {_value(body['description'])}{secret} |")
    return "\n".join(rows) + "\n"


def _parsed(file: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = hcl2.loads(file.read_text("utf-8"))
    return parsed


def _bare(text: str) -> str:
    """python-hcl2 leaves strings in their quotes, and expressions in ${}."""
    return text[1:-1] if text[:1] == '"' else text


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    return _bare(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    """As it is written in the file."""
    if isinstance(value, str):
        return value.removeprefix("${").removesuffix("}")
    return "null" if value is None else str(value).lower()
