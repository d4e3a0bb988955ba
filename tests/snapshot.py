"""Rows that many tests begin with, made once per process and then put back as they were."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models, transaction

APPS = ("accounts", "account", "projects", "clients")
Rows = dict[type[models.Model], list[dict[str, Any]]]


def _models() -> list[type[models.Model]]:
    return [one for label in APPS for one in apps.get_app_config(label).get_models(include_auto_created=True)]


def take(*, without: tuple[type[models.Model], ...] = ()) -> Rows:
    """Every row of our own tables, as plain values."""
    rows = {}
    for model in _models():
        if model not in without:
            fields = [field.attname for field in model._meta.concrete_fields]
            rows[model] = [dict(zip(fields, row, strict=True)) for row in model._base_manager.values_list(*fields)]
    return {model: found for model, found in rows.items() if found}


def put_back(rows: Rows) -> None:
    """The rows as they were. What PostgreSQL counts by went past their numbers when they were made, for good."""
    with transaction.atomic():  # references are checked at its end, in whatever order rows come
        for model, found in rows.items():
            model._base_manager.bulk_create(model(**row) for row in found)
