"""Shapes of what is handed through us: JSON, and what a framework passes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypedDict

from django.db.models.base import ModelBase

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class SaveOptions(TypedDict, total=False):
    """What `save` of a model may be told: `def save(self, **options: Unpack[SaveOptions])`."""

    force_insert: bool | tuple[ModelBase, ...]
    force_update: bool
    using: str | None
    update_fields: Iterable[str] | None
