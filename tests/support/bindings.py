"""Terraform schemas out of the Python bindings that CDK Terrain publishes for providers.

They are generated from the provider's own schema, and keep names, types, nesting and what is
required, in the JavaScript that a wheel carries. What they drop: sensitive, deprecated, numbers of
blocks other than one and many, and what a provider checks in its code. Those made before 2026 also
drop whether something optional is computed.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Json = dict[str, Any]
Flag = Literal["computed", "optional", "required"]

# What can be written, from a function that turns a structure into HCL.
_WRITTEN = re.compile(
    r'^\s+"?(?P<name>\w+)"?: \{\n\s+value: (?P<value>.*?),\n\s+isBlock: (?P<block>true|false),\n'
    r'\s+type: "(?P<kind>\w+)",\n\s+storageClassType: "(?P<storage>[^"]*)",\n\s+\},',
    re.MULTILINE,
)
# What a class tells of each attribute, with the line that gives its type.
_TOLD = re.compile(
    r"// (?P<name>\w+) - computed: (?P<computed>\w+), optional: (?P<optional>\w+), "
    r"required: (?P<required>\w+)\n\s*(?P<line>.*)"
)
_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
_CLASS = re.compile(r"^class (\w+) extends cdkt[fn]\.(\w+) \{\n(.*?)^\}", re.M | re.S)
_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.M | re.S)
_PROPERTY = re.compile(r"#(\w+) [\w#]+\}\n(?:(?!readonly).)*?\*/\n\s+readonly \w+(\??):", re.DOTALL)
_INNER = re.compile(r"\b(?<!cdkt[fn]\.)(\w+)ToHclTerraform")

_SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
_COLLECTION = re.compile(r"(string|number|boolean)((?:List|Map)+)")
_GETTERS: dict[str, Any] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "StringMap": ["map", "string"],
    "StringListMap": ["map", ["list", "string"]],
    "StringMapList": ["list", ["map", "string"]],
}


def schema(wheel: Path, resources: Sequence[str]) -> Json:
    """The provider's configuration and some of its resources, as `terraform providers schema -json`
    has them under a provider's name. Raises KeyError for a resource that there is not."""
    found: Json = {}
    for name, code, declarations in _modules(wheel):
        if name in ("provider", *resources):
            found[name] = {"version": 0, "block": _Module(code, declarations).main()}
    provider = found.pop("provider")
    del provider["block"]["attributes"]["alias"]  # This one is Terraform's.
    for attribute in provider["block"]["attributes"].values():
        if attribute.pop("computed", None):  # A provider is told, and never read.
            attribute["optional"] = True
    return {"provider": provider, "resource_schemas": {name: found[name] for name in resources}}


def provider_version(wheel: Path) -> str:
    readme = next(text for name, text in _files(wheel) if name == "README.md")
    found = re.search(r"bindings for \S+ provider version (\S+)", readme)
    assert found
    return found[1]


@dataclass
class _Told:
    flags: dict[Flag, bool]
    line: str = ""


class _Module:
    """The bindings of one resource, or of the provider itself."""

    def __init__(self, code: str, declarations: str) -> None:
        self.structures = dict(_FUNCTION.findall(code))
        self.classes = {name: (base, body) for name, base, body in _CLASS.findall(code)}
        self.required = {
            name: {key: optional == "" for key, optional in _PROPERTY.findall(body)}
            for name, body in _INTERFACE.findall(declarations)
        }

    def main(self) -> Json:
        name, body = next(
            (name, body)
            for name, (base, body) in self.classes.items()
            if base in ("TerraformResource", "TerraformProvider")
        )
        written = re.search(r"synthesizeHclAttributes\(\) \{\n(.*?)\n    \}", body, re.DOTALL)
        return self._block(name, f"{name}Config", written[1] if written else "")

    def _block(self, name: str, interface: str, written: str) -> Json:
        told = self._told(name, interface)
        attributes: Json = {}
        blocks: Json = {}
        for found in _WRITTEN.finditer(written):
            flags = told.get(found["name"], _Told({"optional": True})).flags
            inner = _INNER.search(found["value"])
            if inner and self._is_block(found, inner[1]):
                blocks[found["name"]] = self._nested(inner[1], found, flags)
            else:
                kind = self._type_of(found, inner and inner[1])
                attributes[found["name"]] = _attribute(kind, flags)
        for key, one in told.items():
            if key not in attributes and key not in blocks:
                attributes[key] = _attribute(self._type_read(one.line), one.flags)
        block = {"attributes": attributes}
        return block | {"block_types": blocks} if blocks else block

    def _told(self, name: str, interface: str) -> dict[str, _Told]:
        """By the interface, which old bindings leave alone with it, and better by the class."""
        told = {
            key: _Told({"computed": key == "id", "optional": not required, "required": required})
            for key, required in self.required.get(interface, {}).items()
        }
        _, body = self.classes.get(name, ("", ""))
        for found in _TOLD.finditer(body):
            flags: dict[Flag, bool] = {
                "computed": found["computed"] == "true",
                "optional": found["optional"] == "true",
                "required": found["required"] == "true",
            }
            getter = re.compile(r"get \w+\(\) \{\s*return (.*?);", re.DOTALL)
            read = found["line"]
            if " = new " not in read:
                got = getter.search(body, found.start("line"))
                read = got[1] if got else ""
            told[found["name"]] = _Told(flags, read)
        return told

    def _is_block(self, found: re.Match[str], inner: str) -> bool:
        value, kind = found["value"], found["kind"]
        if kind == "map" or (kind == "struct" and found["name"] != "timeouts"):
            return False
        return found["block"] == "true" or f"MapperHcl({inner}ToHclTerraform, true)" in value

    def _nested(self, inner: str, found: re.Match[str], flags: dict[Flag, bool]) -> Json:
        block = self._inner_block(inner)
        if found["kind"] == "struct":
            return {"nesting_mode": "single", "block": block}
        nested: Json = {"nesting_mode": found["kind"], "block": block}
        if "MapperHcl" not in found["value"]:
            nested["max_items"] = 1
        if flags.get("required"):
            nested["min_items"] = 1
        return nested

    def _inner_block(self, inner: str) -> Json:
        name = inner[0].upper() + inner[1:]
        return self._block(f"{name}OutputReference", name, self.structures.get(inner, ""))

    def _type_of(self, found: re.Match[str], inner: str | None) -> Any:
        if inner:
            kind = self._object(inner)
            return kind if found["kind"] == "struct" else [found["kind"], kind]
        storage = found["storage"]
        if found["kind"] == "simple":
            return _SIMPLE.get(storage, "dynamic")
        if not (parts := _COLLECTION.fullmatch(storage)):
            return "dynamic"
        kinds = [part.lower() for part in re.findall("List|Map", parts[2])]
        kinds[-1] = found["kind"]
        kind = _SIMPLE[parts[1]]
        for each in kinds:
            kind = [each, kind]
        return kind

    def _object(self, inner: str) -> Any:
        block = self._inner_block(inner)
        kinds = {name: attribute["type"] for name, attribute in block["attributes"].items()}
        for name, nested in block.get("block_types", {}).items():
            attributes = nested["block"]["attributes"]
            kinds[name] = ["list", ["object", {key: attributes[key]["type"] for key in attributes}]]
        return ["object", kinds]

    def _type_read(self, line: str) -> Any:
        """The type of what can only be read, by how it is read."""
        if made := re.search(r"new (?:cdkt[fn]\.)?(\w+)\(this, \"\w+\"(, true)?", line):
            name, is_set = made[1], made[2]
            if name in _GETTERS:
                return _GETTERS[name]
            if name not in self.classes:
                return "dynamic"
            element = re.sub(r"(List|Map|OutputReference)$", "", name)
            kind = self._object(element[0].lower() + element[1:])
            match self.classes[name][0]:
                case "ComplexMap":
                    return ["map", kind]
                case "ComplexList":
                    return ["set" if is_set else "list", kind]
            return kind
        for getter, kind in _GETTERS.items():
            if getter in line:
                return ["set", kind[1]] if "tolist" in line and kind[0] == "list" else kind
        return "dynamic"


def _attribute(kind: Any, flags: dict[Flag, bool]) -> Json:
    return {"type": kind, **{flag: True for flag, holds in flags.items() if holds}}


def _modules(wheel: Path) -> Iterator[tuple[str, str, str]]:
    """Resources by their names in Terraform, and "provider": code and declarations of each."""
    folders: dict[str, list[str]] = {}
    for name, text in _files(wheel):
        path = name.split("/")
        if path[0] == "lib" and len(path) > 2:
            texts = folders.setdefault(path[1], ["", ""])
            texts[name.endswith(".d.ts")] += text.partition("//# sourceMappingURL")[0] + "\n"
    for folder, (code, declarations) in folders.items():
        named = re.search(r'tfResourceType = "(\w+)"', code)
        if folder == "provider":
            yield folder, code, declarations
        elif named and " extends cdkt" in code and ".TerraformResource {" in code:
            yield named[1], code, declarations


def _files(wheel: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as files:
            for member in files:
                wanted = member.name.endswith((".js", ".d.ts", "package/README.md"))
                if wanted and (file := files.extractfile(member)):
                    yield member.name.partition("/")[2], file.read().decode()
