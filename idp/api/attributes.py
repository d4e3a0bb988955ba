"""What may be known of people: the standard claims, and what this installation added."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import attribute_schema, attributes
from accounts.attributes import STANDARD, Definition
from accounts.models import Attribute
from common.json_type import Json
from idp import directory
from idp.api.described import WRITE, operation
from idp.api.documents import refuse_another, said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import storable
from projects.json_shape import Spot, read_members
from projects.problems import Problem, require

SHOWN_ONLY = ("standard", "people")


class AttributeList(ProviderWide):
    @operation("list_attributes", "List the attributes of people", answers="AttributePage")
    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them, on one page: the standard claims of OpenID Connect first."""
        self.refuse_others()
        items = [_represent(one) for one in attributes.schema().values()]
        return self.shown({"items": items, "next_cursor": None})


class OneAttribute(ProviderWide):
    tag = "attributes"

    @operation("get_attribute", "Get an attribute", answers="Attribute")
    def get(self, request: HttpRequest, attribute: str) -> HttpResponse:
        self.refuse_others(hidden=True)
        return self.shown(_whole(_found(attribute)))

    @operation(
        "put_attribute",
        "Add an attribute, or change it",
        answers="Attribute",
        sends="Attribute",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, attribute: str) -> HttpResponse:
        """Another `type` takes the value of everybody along: `people` says beforehand of how many. Of a standard claim
        only who may edit it can be said."""
        self.refuse_others(hidden=True)
        with transaction.atomic():
            self._lock(attribute)
            before = attributes.schema().get(attribute)
            self.require(_whole(before) if before else None)
            sent = self.sent()
            refuse_another(sent, "name", attribute)
            wanted = directory.wanted(attribute, said_in(sent, _read), STANDARD.get(attribute))
            require(directory.fit(wanted, before))
            attribute_schema.define(wanted, self.by)
            now = _whole(_found(attribute))
        return self.made(now, "attributes", attribute, created=before is None)

    @operation("delete_attribute", "Delete an attribute", answers="Deletion", parameters=("if_match", "dry_run"))
    def delete(self, request: HttpRequest, attribute: str) -> HttpResponse:
        """With every value of it. What was said of a standard claim is forgotten, and the claim stays."""
        self.refuse_others(hidden=True)
        with transaction.atomic():
            self._lock(attribute)
            found = _found(attribute)
            self.require(_whole(found))
            lost = 0 if found.standard else attribute_schema.people_with(attribute)
            if not self.flag("dry_run"):
                attribute_schema.delete(attribute, self.by)
        return self.shown({"deletes": {"values": lost} if lost else {}, "obstacles": []})

    def _lock(self, attribute: str) -> None:
        """Nobody else changes it between what If-Match says and what is written."""
        if storable(attribute):
            Attribute.objects.select_for_update().filter(name=attribute).first()
        self.refuse_others(hidden=True)  # who waited may have lost the right meanwhile


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(directory.ATTRIBUTE, spot, besides=SHOWN_ONLY), spot.found


def _found(name: str) -> Definition:
    found = attributes.schema().get(name)
    if found is None:
        raise not_found()
    return found


def _represent(one: Definition) -> dict[str, Json]:
    return {**directory.attribute_document(one), "standard": one.standard}


def _whole(one: Definition) -> dict[str, Json]:
    return {**_represent(one), "people": attribute_schema.people_with(one.name)}
