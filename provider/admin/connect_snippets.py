"""The programs that a developer copies: one table of what each is called, made of and needs.

Templates are in `templates/admin/clients/client/snippets`. They are filled in with `Connection`, whose values quote
themselves, and hold no secret: they read it from the environment. Tests run them as they are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.template import Context, Engine, Template

from provider.admin.connect_values import Connection

PLACE = "admin/clients/client/snippets"


@dataclass(frozen=True, slots=True)
class File:
    name: str
    template: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """A row. `path`: where its library takes people back to, if it does not take them where the app says."""

    key: str
    label: str
    fits: Callable[[Connection], bool]
    files: tuple[File, ...]
    install: str = ""
    start: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One as the page shows it."""

    snippet: Snippet
    files: list[tuple[str, str]]
    missing_uri: str  # it would have to be registered for this one


def _web(app: Connection) -> bool:
    return app.signs_in and app.secret


def _own(app: Connection) -> bool:
    return app.asks_itself and app.secret


def _public(app: Connection) -> bool:
    return app.signs_in and app.metadata.public


def _code(app: Connection) -> bool:
    return app.signs_in and (app.secret or app.metadata.public)


def _device(app: Connection) -> bool:
    return app.is_device and (app.secret or app.metadata.public)


def _checks(app: Connection) -> bool:
    return app.checks and app.secret


def _files(*pairs: str) -> tuple[File, ...]:
    return tuple(File(*one.split(" ")) for one in pairs)


SNIPPETS = (
    Snippet(
        "django",
        "Django",
        _web,
        _files("settings.py django_settings", "urls.py django_urls"),
        "pip install mozilla-django-oidc",
        "python manage.py runserver",
    ),
    Snippet("flask", "Flask", _web, _files("app.py flask"), "pip install flask authlib requests", "flask run"),
    Snippet(
        "fastapi",
        "FastAPI",
        _web,
        _files("app.py fastapi"),
        "pip install fastapi uvicorn authlib httpx itsdangerous",
        "uvicorn app:app",
    ),
    Snippet(
        "nextjs",
        "Next.js",
        _web,
        _files("app/api/auth/[...nextauth]/route.js nextjs"),
        "npm install next-auth",
        "npx next dev",
        "/api/auth/callback/vestibule",
    ),
    Snippet(
        "express",
        "Express",
        _web,
        _files("app.mjs express"),
        "npm install express express-openid-connect",
        "node app.mjs",
    ),
    Snippet(
        "spring",
        "Spring",
        _web,
        _files("application.yaml spring_yaml", "App.java spring_java"),
        "spring-boot-starter-web, spring-boot-starter-oauth2-client",
        "mvn spring-boot:run",
    ),
    Snippet(
        "go",
        "Go",
        _web,
        _files("main.go go"),
        "go get github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2",
        "go run .",
    ),
    Snippet("browser", "React, Vue", _public, _files("sign-in.js browser"), "npm install oidc-client-ts"),
    Snippet("curl", "curl", _code, _files("sign-in.sh curl_code")),
    Snippet("curl_device", "curl", _device, _files("connect.sh curl_device")),
    Snippet("curl_own", "curl", _own, _files("get_token.sh curl_own")),
    Snippet(
        "python_own", "Python", _own, _files("get_token.py python_own"), "pip install requests", "python get_token.py"
    ),
    Snippet(
        "node_own", "Node", _own, _files("get_token.mjs node_own"), "npm install openid-client", "node get_token.mjs"
    ),
    Snippet("go_own", "Go", _own, _files("main.go go_own"), "go get golang.org/x/oauth2/clientcredentials", "go run ."),
    Snippet("curl_check", "curl", _checks, _files("check.sh curl_check")),
    Snippet("python_check", "Python", _checks, _files("check.py python_check"), "pip install requests"),
    Snippet("node_check", "Node", _checks, _files("check.mjs node_check"), "npm install openid-client"),
)


def shown(app: Connection) -> list[Shown]:
    """Those that fit this app, filled in."""
    return [
        Shown(one, [(file.name, written(file, app)) for file in one.files], _missing(one, app))
        for one in SNIPPETS
        if one.fits(app)
    ]


def written(file: File, app: Connection) -> str:
    """A plain text: whoever puts it into a page escapes it (`strip` answers none that is marked as safe)."""
    return _template(file.template).render(Context({"app": app}, autoescape=False)).strip()


def _missing(snippet: Snippet, app: Connection) -> str:
    """The redirect URI that its library insists on, if the app has not got it."""
    if not snippet.path:
        return ""
    ends = any(uri.endswith(snippet.path) for uri in app.metadata.redirect_uris)
    return "" if ends else app.origin.text + snippet.path


@lru_cache(maxsize=64)
def _template(name: str) -> Template:
    return Engine(dirs=[str(settings.BASE_DIR / "templates" / PLACE)], autoescape=False).get_template(f"{name}.txt")
