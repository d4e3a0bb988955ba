"""Everything below /scim/v2. The id of somebody whom another provider named may have slashes in it."""

from __future__ import annotations

from django.urls import path, re_path

from idp.scim.door import At

DESCRIPTION, DOOR, GROUPS, PEOPLE = (f"idp.scim.{name}." for name in ("description", "door", "groups", "people"))


urlpatterns = [
    path("Users", At.as_view(ways={"GET": PEOPLE + "find", "POST": PEOPLE + "make"})),
    path("Users/.search", At.as_view(ways={"POST": PEOPLE + "search"})),
    path(
        "Users/<path:key>",
        At.as_view(
            ways={
                "GET": PEOPLE + "show",
                "PUT": PEOPLE + "replace",
                "PATCH": PEOPLE + "patch",
                "DELETE": PEOPLE + "delete",
            }
        ),
    ),
    path("Groups", At.as_view(ways={"GET": GROUPS + "find", "POST": GROUPS + "make"})),
    path("Groups/.search", At.as_view(ways={"POST": GROUPS + "search"})),
    path(
        "Groups/<str:key>",
        At.as_view(
            ways={
                "GET": GROUPS + "show",
                "PUT": GROUPS + "replace",
                "PATCH": GROUPS + "patch",
                "DELETE": GROUPS + "delete",
            }
        ),
    ),
    path("ServiceProviderConfig", At.as_view(ways={"GET": DESCRIPTION + "configuration"})),
    path("ResourceTypes", At.as_view(ways={"GET": DESCRIPTION + "resource_types"})),
    path("ResourceTypes/<str:key>", At.as_view(ways={"GET": DESCRIPTION + "resource_type"})),
    path("Schemas", At.as_view(ways={"GET": DESCRIPTION + "schemas"})),
    path("Schemas/<str:key>", At.as_view(ways={"GET": DESCRIPTION + "schema"})),
    path("Bulk", At.as_view(ways={"POST": DOOR + "no_bulk"})),
    path(".search", At.as_view(ways={"POST": DOOR + "no_search"})),
    path("Me", At.as_view(ways=dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), DOOR + "nobody"))),
    re_path("^", At.as_view()),  # whatever else
]
