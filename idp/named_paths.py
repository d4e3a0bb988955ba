"""What a path is called in numbers: the endpoint, or the part of the site. Never more of it than we named ourselves."""

from __future__ import annotations

from idp.fast_path import BASE, BY_PATH

# The first that fits. What is not here is `other`: nobody makes new names by asking for new paths.
PARTS = (
    ("/oauth2/authorize", "authorize"),
    ("/openid/authorize", "authorize"),
    ("/oauth2/consent", "consent"),
    ("/oauth2/logout", "logout"),
    ("/openid/logout", "logout"),
    ("/oauth2/register/", "registered"),
    ("/oauth2/logo/", "logo"),
    ("/device", "device"),
    ("/accounts/", "account"),
    ("/admin/", "console"),
    ("/api/v1", "api"),
    ("/scim/v2", "scim"),
    ("/static/", "static"),
)
HEALTH = "/healthz/"
OTHER = "other"
_ENDPOINTS = {path: endpoint.__name__ for path, endpoint in BY_PATH.items()}
_PARTS = tuple((BASE + path, name) for path, name in PARTS)
NAMES = frozenset({*_ENDPOINTS.values(), *(name for _path, name in PARTS), "home", "health", OTHER})


def endpoint_of(path: str) -> str:
    name = _ENDPOINTS.get(path)
    if name is not None:
        return name
    for begins, part in _PARTS:
        if path.startswith(begins):
            return part
    if HEALTH in path[: len(BASE) + len(HEALTH)]:
        return "health"
    return "home" if path in (BASE, f"{BASE}/") else OTHER
