"""The page with a secret: the one answer that ever has it. Nothing may store it (the console's pages are no-store)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

TEMPLATE = "admin/shown_once.html"


@dataclass(frozen=True, slots=True)
class Value:
    name: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What stands on it, and where whoever has copied it goes on."""

    title: str
    warning: str
    note: str = ""
    values: tuple[Value, ...]
    onward: str
    onward_words: str


def answer(
    request: HttpRequest, site: AdminSite, original: Model, once: Once, more: Mapping[str, object] | None = None
) -> HttpResponse:
    """`more`: what stands around it, where it is on a page of something."""
    request.current_app = site.name
    own = {"opts": original._meta, "original": original, "title": once.title, "once": once, **(more or {})}
    return TemplateResponse(request, TEMPLATE, {**site.each_context(request), **own})
