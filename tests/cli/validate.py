#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""validate.py FOLDER FILE...: each file is one document of a schema that FOLDER describes, by its
member "schema"; of evms.show/1 also what a schema cannot say is checked."""
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    print("skip: python3-jsonschema is not installed")
    sys.exit(77)

KINDS = "disk metadata free partition group region feature volume".split()
MEMBERS = {
    "id": int, "kind": str, "name": str, "plugin": str, "size": int, "block_size": int,
    "state": list, "uuid": str, "serial": str, "label": str, "inputs": list, "map": list,
}
STATES = {"new", "dirty", "read-only", "degraded", "incomplete", "in-use", "missing", "damaged",
          "unsupported", "internal"}


def need(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in words))


def check_tiling(o, what, pieces):
    at = 0
    for piece in pieces:
        need(piece["offset"] == at, o["name"], what, "gap or overlap at", at)
        at += piece["size"]
    need(not pieces or at == o["size"], o["name"], what, "covers", at, "of", o["size"])


def check_map(o, by_id):
    check_tiling(o, "map", o["map"])
    for stretch in o["map"]:
        need(isinstance(stretch["target"], str) and stretch["target"], "target of", o["name"])
        legs = stretch.get("legs", [stretch] if "input" in stretch else [])
        for leg in legs:
            need(leg["input"] in by_id, o["name"], "maps to an unknown object", leg["input"])
            members = [i for group in o["inputs"] for i in by_id[group]["inputs"]]
            need(leg["input"] in o["inputs"] + members or leg["input"] == o.get("parent"),
                 o["name"], "maps to", leg["input"], "which is no input of it")
            need(leg["input_offset"] < by_id[leg["input"]]["size"], o["name"], "maps beyond its input")


def check_show(document):
    objects = document["objects"]
    by_id = {o["id"]: o for o in objects}
    names = {(o["kind"], o["name"]) for o in objects}
    need(len(by_id) == len(objects), "ids are not unique")
    need(len(names) == len(objects), "names are not unique in their kind")
    for o in objects:
        for member, kind in MEMBERS.items():
            need(member in o, o.get("name"), "has no", member)
            need(isinstance(o[member], kind) and not isinstance(o[member], bool), member, "is no", kind)
        need(o["kind"] in KINDS, "kind", o["kind"])
        need(set(o["state"]) <= STATES, "state", o["state"])
        need(0 <= o["size"] < 1 << 64, "size of", o["name"])
        for i in o["inputs"]:
            need(i in by_id, o["name"], "has an unknown input", i)
        need(("manager" in o) == (o["kind"] == "disk"), "manager of", o["name"])
        check_map(o, by_id)
        check_tiling(o, "space", o.get("space", []))
        for entry in o.get("space", []):
            need(entry.get("object", o["id"]) in by_id, "space of", o["name"])
        if "filesystem" in o:
            need(o["kind"] == "volume", o["name"], "has a file system and is no volume")
            need({"plugin", "type", "uuid", "label", "size"} <= set(o["filesystem"]), "filesystem")


def main(folder, files):
    for name in files:
        with open(name, encoding="utf-8") as f:
            document = json.load(f)
        kind, number = document["schema"].split("/")
        need(kind.startswith("evms."), document["schema"])
        path = os.path.join(folder, f"{kind[5:]}-{number}.json")
        with open(path, encoding="utf-8") as f:
            schema = json.load(f)
        jsonschema.Draft202012Validator.check_schema(schema)
        try:
            jsonschema.Draft202012Validator(schema).validate(document)
            if kind == "evms.show":
                check_show(document)
            if kind == "evms.result" and "plan" in document:
                with open(os.path.join(folder, "plan-1.json"), encoding="utf-8") as f:
                    jsonschema.Draft202012Validator(json.load(f)).validate(document["plan"])
        except (jsonschema.ValidationError, AssertionError, KeyError) as why:
            sys.exit(f"{name} ({document['schema']}): {why}")


main(sys.argv[1], sys.argv[2:])
