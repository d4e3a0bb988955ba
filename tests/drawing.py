"""The page of a form that comes back is drawn when a test looks at it: most ask for its errors alone.

Drawing a form of the console takes longer than all that a request does before.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.test import Client
from django.utils import translation

from tests.world import Response

_drawn: Any = SimpleTemplateResponse.rendered_content


class _Later(TemplateResponse):
    """In the language it was answered in."""

    @property
    def content(self) -> Any:
        if not self.is_rendered:
            with translation.override(self["Content-Language"]):
                self.render()
        return super().content

    @content.setter
    def content(self, value: Any) -> None:
        SimpleTemplateResponse.content.fset(self, value)


def post(http: Client, url: str, fields: dict[str, Any]) -> Response:
    """The answer to a form that was filled in."""
    with mock.patch.object(SimpleTemplateResponse, "rendered_content", property(_unless_form)):
        answer: Any = http.post(url, fields)
    if _is_form(answer):
        answer._is_rendered, answer.__class__, answer.context = False, _Later, answer.context_data
    response: Response = answer
    return response


def _unless_form(response: SimpleTemplateResponse) -> str:
    return "" if _is_form(response) else str(_drawn.fget(response))


def _is_form(response: object) -> bool:
    if not isinstance(response, TemplateResponse):
        return False
    named: Any = response.template_name
    return any(str(one).endswith("change_form.html") for one in ([named] if isinstance(named, str) else named))
