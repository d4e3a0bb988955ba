"""Rows that name a client by its id, a text: who may see which."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

from accounts.models import User
from clients.models import Client
from projects import access

Row = TypeVar("Row", bound=Model)


def seen_by(person: User, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Members of projects see those of their clients. What names none, or an unknown one, is for superusers."""
    if person.is_superuser:
        return rows
    clients = Client.objects.filter(project__in=access.visible(person))
    return rows.filter(client_id__in=clients.values("client_id"))
