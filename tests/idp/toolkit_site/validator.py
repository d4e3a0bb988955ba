"""Which claims apps of the site get."""

from __future__ import annotations

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    oidc_claim_scope: Any = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return {"email": request.user.email}
