"""What this server says of itself (RFC 7644 section 4)."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Extension,
    Filter,
    Meta,
    Pagination,
    Patch,
    Resource,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    Sort,
)

from common.json_type import Json
from idp.scim import errors
from idp.scim.answers import LIST
from idp.scim.door import At, address_of
from idp.scim.people import added_here
from idp.scim.reading import MOST, USUAL
from idp.scim.resources import Group, people_with


def configuration(asked: At, key: str) -> HttpResponse:
    _refuse_filter(asked)
    return asked.told(_configuration().model_dump())


def _configuration() -> ServiceProviderConfig:
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        pagination=Pagination(cursor=False, index=True, default_page_size=USUAL, max_page_size=MOST),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="OAuth 2.0 access token",
                description="Of this provider, by the client credentials grant, with the scope scim.manage.",
                primary=True,
            )
        ],
        meta=Meta(resource_type="ServiceProviderConfig", location=address_of("ServiceProviderConfig")),
    )


def resource_types(asked: At, key: str) -> HttpResponse:
    return _listed(asked, map(_type, _kinds()))


def resource_type(asked: At, key: str) -> HttpResponse:
    return _one(asked, key, map(_type, _kinds()))


def schemas(asked: At, key: str) -> HttpResponse:
    return _listed(asked, map(_schema, _described()))


def schema(asked: At, key: str) -> HttpResponse:
    return _one(asked, key, map(_schema, _described()))


def _kinds() -> list[type[Resource]]:  # type: ignore[type-arg]
    return [people_with(added_here()).model, Group]


def _described() -> list[type[Resource] | type[Extension]]:  # type: ignore[type-arg]
    return [*_kinds(), *people_with(added_here()).model.get_extension_models().values()]


def _type(kind: type[Resource]) -> ResourceType:  # type: ignore[type-arg]
    found = ResourceType.from_resource(kind)
    found.meta = Meta(resource_type="ResourceType", location=address_of("ResourceTypes", str(found.id)))
    return found


def _schema(kind: type[Resource] | type[Extension]) -> Schema:  # type: ignore[type-arg]
    found = kind.to_schema()
    found.meta = Meta(resource_type="Schema", location=address_of("Schemas", str(found.id)))
    return found


def _listed(asked: At, found: Iterable[ResourceType | Schema]) -> HttpResponse:
    _refuse_filter(asked)
    items: list[Json] = [one.model_dump() for one in found]
    return asked.told(
        {"schemas": [LIST], "totalResults": len(items), "startIndex": 1, "itemsPerPage": len(items), "Resources": items}
    )


def _one(asked: At, key: str, found: Iterable[ResourceType | Schema]) -> HttpResponse:
    _refuse_filter(asked)
    for one in found:
        if one.id == key:
            return asked.told(one.model_dump())
    raise errors.not_found()


def _refuse_filter(asked: At) -> None:
    if "filter" in asked.request.GET:
        raise errors.forbidden("These lists are not filtered.")
