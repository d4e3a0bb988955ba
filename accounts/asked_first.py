"""Before a change that hurts: a page that says whom, in numbers. Whoever goes on sends the same form once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

FIELD = "asked_first"  # what somebody was told already, by its kinds


@dataclass(frozen=True, slots=True)
class Hurt:
    """What a change does to people. Two of one kind are said by one sentence: numbers may move meanwhile."""

    kind: str
    sentence: str


class AsksFirst(Exception):
    """Nothing is changed before somebody has read this."""

    def __init__(self, hurts: Sequence[Hurt]) -> None:
        self.hurts = tuple(hurts)
        super().__init__(" ".join(one.sentence for one in hurts))


def unless_told(request: HttpRequest, hurts: Sequence[Hurt]) -> None:
    """Raises AsksFirst where one of these was not on the page that this form came from."""
    if any(one.kind not in request.POST.getlist(FIELD) for one in hurts):
        raise AsksFirst(hurts)


def page(request: HttpRequest, asked: AsksFirst) -> HttpResponse:
    """What was typed goes with it, and is kept nowhere else."""
    left_out = ("csrfmiddlewaretoken", FIELD)
    sent = [(name, value) for name, values in request.POST.lists() for value in values if name not in left_out]
    request.current_app = site.name
    context = {
        "title": _("Before this is saved"),
        "hurts": asked.hurts,
        "sent": sent,
        "told": FIELD,
        "action": request.get_full_path(),
        "leave": request.path,
        "files": bool(request.FILES),
    }
    return TemplateResponse(request, "admin/asked_first.html", {**site.each_context(request), **context})
