"""What a deletion takes down, and what stands in its way: said beforehand on request, and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import models
from django.http import HttpResponse

from common.json_type import Json
from idp.api.problems import refused
from idp.api.resource import Resource
from projects.problems import Problem


def goes_with(row: models.Model) -> dict[str, Json]:
    """How many rows of which kind: a client may have a million tokens, so they are not listed."""
    counts: dict[str, Json] = {}
    for relation in row._meta.related_objects:
        if relation.many_to_many or relation.on_delete not in (models.CASCADE, models.DO_NOTHING):
            continue
        related = relation.related_model
        number = related._base_manager.filter(**{relation.field.name: row}).count()
        if number:
            counts[str(related._meta.verbose_name_plural)] = number
    return counts


def delete(
    view: Resource,
    row: models.Model,
    obstacles: Sequence[str],
    do: Callable[[], None],
    deletes: dict[str, Json] | None = None,
) -> HttpResponse:
    """Unless something stands in the way, or `?dry_run=true` only asks. `deletes`: what goes with it."""
    deletes = goes_with(row) if deletes is None else deletes
    if view.flag("dry_run"):
        return view.shown({"deletes": deletes, "obstacles": list(obstacles)})
    if obstacles:
        raise refused("conflict", errors=[Problem("", sentence, "obstacle") for sentence in obstacles])
    do()
    return view.shown({"deletes": deletes, "obstacles": []})
