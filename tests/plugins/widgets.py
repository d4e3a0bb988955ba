"""What stands in the fields of a form is drawn without telling the tests of it.

Django tells a test of every template with a copy of its context. A page of the console draws hundreds for its fields,
one for each option of a select, and nobody asks for those: telling of them took a quarter of such a page's time.
"""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test.signals import template_rendered
from django.utils.safestring import SafeString

OF_FIELDS = "django/forms/"


def render(template: Template, context: Context) -> SafeString:
    if not (template.name or "").startswith(OF_FIELDS):
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)


@pytest.fixture(scope="session", autouse=True)
def _quick_fields(django_test_environment: None) -> None:
    Template._render = render  # type: ignore[attr-defined]
