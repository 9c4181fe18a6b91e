"""A provider's schema is found again in its bindings, whichever way they tell it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.bindings import provider_version, schema

CODE = """\
function lampBulbToHclTerraform(struct) {
    const attrs = {
        watts: {
            value: cdktn.numberToHclTerraform(struct.watts),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class LampBulbOutputReference extends cdktn.ComplexObject {
    // watts - computed: false, optional: false, required: true
    _watts;
    get watts() {
        return this.getNumberAttribute('watts');
    }
}
class LampBulbList extends cdktn.ComplexList {
}
class LampHistoryOutputReference extends cdktn.ComplexObject {
    // lit - computed: true, optional: false, required: false
    get lit() {
        return this.getBooleanAttribute('lit');
    }
}
class LampHistoryList extends cdktn.ComplexList {
}
class Lamp extends cdktn.TerraformResource {
    static tfResourceType = "acme_lamp";
    // colours - computed: false, optional: true, required: false
    _colours;
    get colours() {
        return cdktn.Fn.tolist(this.getListAttribute('colours'));
    }
    // history - computed: true, optional: false, required: false
    _history = new LampHistoryList(this, "history", false);
    get history() {
        return this._history;
    }
    // id - computed: true, optional: true, required: false
    _id;
    get id() {
        return this.getStringAttribute('id');
    }
    // bulb - computed: false, optional: false, required: true
    _bulb = new LampBulbList(this, "bulb", false);
    get bulb() {
        return this._bulb;
    }
    synthesizeHclAttributes() {
        const attrs = {
            colours: {
                value: cdktn.listMapperHcl(cdktn.stringToHclTerraform, false)(this._colours),
                isBlock: false,
                type: "set",
                storageClassType: "stringList",
            },
            id: {
                value: cdktn.stringToHclTerraform(this._id),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            bulb: {
                value: cdktn.listMapperHcl(lampBulbToHclTerraform, true)(this._bulb.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "LampBulbList",
            },
        };
    }
}
"""
PROVIDER = """\
class AcmeProvider extends cdktn.TerraformProvider {
    // alias - computed: false, optional: true, required: false
    _alias;
    // house - computed: true, optional: false, required: false
    _house;
    synthesizeHclAttributes() {
        const attrs = {
            alias: {
                value: cdktn.stringToHclTerraform(this._alias),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            house: {
                value: cdktn.stringToHclTerraform(this._house),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
        };
    }
}
"""
DECLARED = """\
export interface LampConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs: {@link acme/1.2.3/docs/resources/lamp#colours Lamp#colours}
    */
    readonly colours?: string[];
    /**
    * Docs: {@link acme/1.2.3/docs/resources/lamp#id Lamp#id}
    */
    readonly id?: string;
    /**
    * bulb block
    *
    * Docs: {@link acme/1.2.3/docs/resources/lamp#bulb Lamp#bulb}
    */
    readonly bulb: LampBulb[] | cdktf.IResolvable;
}
export interface LampBulb {
    /**
    * Docs: {@link acme/1.2.3/docs/resources/lamp#watts Lamp#watts}
    */
    readonly watts: number;
}
"""
WRITTEN = {
    "colours": {"type": ["set", "string"], "optional": True},
    "id": {"type": "string", "computed": True, "optional": True},
}
READ = {"history": {"type": ["list", ["object", {"lit": "bool"}]], "computed": True}}
BULB = {
    "nesting_mode": "list",
    "block": {"attributes": {"watts": {"type": "number", "required": True}}},
    "min_items": 1,
}


def wheel(folder: Path, code: str, declared: str = "") -> Path:
    files = {
        "README.md": "bindings for acme/lamps provider version 1.2.3",
        "lib/lamp/index.js": code,
        "lib/lamp/index.d.ts": declared,
        "lib/provider/index.js": PROVIDER,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as inner:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text.encode())
            inner.addfile(member, io.BytesIO(text.encode()))
    with zipfile.ZipFile(folder / "lamps.whl", "w") as outer:
        outer.writestr("lamps/lamps.jsii.tgz", packed.getvalue())
    return folder / "lamps.whl"


def test_classes_that_tell_of_each_attribute(tmp_path: Path) -> None:
    bindings = wheel(tmp_path, CODE)
    found = schema(bindings, ["acme_lamp"])
    assert provider_version(bindings) == "1.2.3"
    assert found["provider"]["block"] == {
        "attributes": {"house": {"type": "string", "optional": True}}
    }
    assert found["resource_schemas"]["acme_lamp"]["block"] == {
        "attributes": WRITTEN | READ,
        "block_types": {"bulb": BULB},
    }


def test_old_ones_whose_declarations_tell_what_is_required(tmp_path: Path) -> None:
    lines = CODE.splitlines(keepends=True)
    silent = "".join(line for line in lines if "// " not in line or "history" in line)
    found = schema(wheel(tmp_path, silent, DECLARED), ["acme_lamp"])
    block = found["resource_schemas"]["acme_lamp"]["block"]
    assert block["attributes"].items() >= WRITTEN.items()
    assert block["block_types"] == {"bulb": BULB}


def test_a_resource_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="acme_candle"):
        schema(wheel(tmp_path, CODE), ["acme_candle"])
