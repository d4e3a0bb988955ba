"""WSGI entry: `gunicorn idp.wsgi:application`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django, told by configuration how people reach us: TLS may end at a proxy, whose headers nobody has to believe.

    Without it Django would take requests for plain HTTP, send no HSTS and mistrust its own forms.
    """
    from django.conf import settings

    environ["wsgi.url_scheme"] = urlsplit(settings.IDP_ISSUER).scheme
    return _django(environ, start_response)
