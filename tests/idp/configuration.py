"""Files the tests of the configuration share."""

from __future__ import annotations

from pathlib import Path

EXAMPLE = (Path(__file__).parents[2] / "docs" / "configuration.yaml").read_text()

SMALL = """\
version: 1
users:
  - username: demo
    password: secret words
    email: demo@acme.example
projects:
  - id: acme
    name: Acme
    apis:
      - identifier: https://api.acme.example/orders
        name: Orders
        scopes: {orders.read: See your orders}
    clients:
      - client_id: web
        client_secret: a given secret
        grant_types: [authorization_code]
        redirect_uris:
          - https://www.acme.example/callback
        scope: openid
"""


def changed(text: str, old: str, new: str) -> str:
    """The text with one spot replaced; the spot must be there."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)
