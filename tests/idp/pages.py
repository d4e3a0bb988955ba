"""What the page tests share: a consent page's context, hostile texts, and readers of headers."""

from __future__ import annotations

from typing import Any

from accounts.models import User

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "{{ request }}{% csrf_token %}",
    "</title></head><body onload=alert(1)>",
    "&lt;b&gt;",
]


def policy(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def consent(person: User, text: str | None = None, **more: Any) -> dict[str, Any]:
    """Everything the consent page is given; with `text` in the place of every name a client or owner chooses."""

    def say(ordinary: str) -> str:
        return ordinary if text is None else text

    def scope(
        name: str, words: str, *, required: bool = False, allowed: bool = False, sensitive: bool = False
    ) -> dict[str, Any]:
        said = {"name": say(name), "description": say(words)}
        return {**said, "required": required, "allowed": allowed, "sensitive": sensitive}

    return {
        "app_name": say("Acme"),
        "client_name": say("Acme web"),
        "project_name": say("Acme shops"),
        "redirect_host": say("app.acme.example"),
        "homepage_uri": say("https://acme.example/"),
        "policy_uri": say("https://acme.example/privacy"),
        "tos_uri": say("https://acme.example/terms"),
        "support_email": say("help@acme.example"),
        "person": person,
        "switch_url": "/accounts/switch/?next=%2F",
        "action": "/oauth/consent?client_id=web",
        "seen": "seal",
        "groups": [
            {
                "title": say("About you"),
                "description": "",
                "audience": "",
                "scopes": [
                    scope("openid", "Know who you are at this provider", required=True),
                    scope(
                        "profile",
                        "See your profile: names, picture, date of birth and what else you entered",
                        allowed=True,
                    ),
                    scope("email", "See your e-mail address"),
                ],
            },
            {
                "title": say("Orders"),
                "description": say("Orders and invoices of Acme shops"),
                "audience": say("https://api.acme.example/orders"),
                "scopes": [
                    scope("orders.read", "See your orders"),
                    scope("orders.write", "Place and cancel orders in your name", sensitive=True),
                ],
            },
        ],
        "audiences": [
            {
                "value": say("https://api.acme.example/orders"),
                "name": say("Orders"),
                "description": "",
                "allowed": False,
                "along": [say("See every invoice"), say("See who paid")],
            },
            {"value": say("https://partner.example/stock"), "name": "", "description": "", "allowed": True},
        ],
        "siblings": [say("Acme mobile"), say("Acme desk")],
        "targets": [say("Acme reports")],
        "new_only": False,
        **more,
    }
