"""For Django REST framework, in an API that demands nonces: its EXCEPTION_HANDLER, which sends them along.

Apart from the authentication class because the framework's views import that one.
"""

from __future__ import annotations

from typing import Any

from rest_framework import views
from rest_framework.response import Response

from vestibule_verifier.rest_framework import Refused


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The framework's, with the nonce for the next proof where one is needed (RFC 9449 section 9)."""
    response: Response | None = views.exception_handler(error, context)
    if response is not None and isinstance(error, Refused) and error.nonce:
        response["DPoP-Nonce"] = error.nonce
    return response
