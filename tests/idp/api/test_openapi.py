"""The OpenAPI document: current, public, and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openapi
import pytest
from django.test import Client as Http
from jsonschema import Draft202012Validator

from idp.api.openapi import document
from idp.api.table import RESOURCES
from tests.idp.api.caller import Api, machine, path, person
from tests.world import ORDERS

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document()))


def test_the_published_document_is_the_committed_one() -> None:
    assert openapi.FILE.read_text() == openapi.text(), "run .venv/bin/python .ci/openapi.py"
    published = Http().get("/api/v1/openapi.json")
    assert published.json() == DOCUMENT
    assert published["Cache-Control"] == "public, max-age=3600"
    assert Http().get("/api/v1/openapi.json", headers={"If-None-Match": published["ETag"]}).status_code == 304
    assert Http().post("/api/v1/openapi.json").status_code == 405


def test_every_operation_has_a_name_a_description_and_its_errors() -> None:
    operations = [one for item in DOCUMENT["paths"].values() for one in item.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names) > 30
    assert all(one["summary"] and one["description"] and one["security"] for one in operations)
    assert all({"401", "403", "503"} <= set(one["responses"]) for one in operations)
    assert len(DOCUMENT["paths"]) == len(RESOURCES)


def test_every_reference_leads_somewhere() -> None:
    def refs(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*(refs(list(value.values()))), *([value["$ref"]] if "$ref" in value else [])]
        return [one for item in value for one in refs(item)] if isinstance(value, list) else []

    for one in refs(DOCUMENT):
        _hash, components, kind, name = one.split("/")
        assert name in DOCUMENT[components][kind]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema, name


def complaints(schema: str, value: Any) -> list[str]:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return [one.message for one in Draft202012Validator(whole).iter_errors(value)]


ANSWERS = [
    ("ProjectPage", ("projects",)),
    ("Project", ("projects", "acme")),
    ("ConsentScreen", ("projects", "acme", "consent-screen")),
    ("MemberPage", ("projects", "acme", "members")),
    ("Member", ("projects", "acme", "members", "owner")),
    ("ApiPage", ("projects", "acme", "apis")),
    ("Api", ("projects", "acme", "apis", ORDERS)),
    ("ClientPage", ("projects", "acme", "clients")),
    ("Client", ("projects", "acme", "clients", "web")),
    ("SecretPage", ("projects", "acme", "clients", "web", "secrets")),
    ("AudiencePage", ("projects", "acme", "clients", "web", "audiences")),
    ("KeySet", ("projects", "acme", "clients", "web", "keys")),
]


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("staff")
def test_answers_are_what_it_says() -> None:
    everything = machine(administers=("*",))
    for schema, steps in ANSWERS:
        assert complaints(schema, everything.get(path(*steps)).json()) == [], schema
    owner = person("owner")
    secret = owner.post(path("projects", "acme", "clients", "service", "secrets")).json()
    assert complaints("NewSecret", secret) == []
    assert complaints("Deletion", owner.delete(path("projects", "acme") + "?dry_run=true").json()) == []
    for refused in (Api().get(path("projects")), owner.put(path("projects", "acme"), {"x": 1})):
        assert complaints("Problem", refused.json()) == []
    assert complaints("Client", {"client_nam": "x"})


def test_the_document_is_linked_where_people_look() -> None:
    root = Path(__file__).parents[3]
    assert "openapi.json" in (root / "docs" / "api.md").read_text()
    assert "docs/api.md" in (root / "README.md").read_text()
