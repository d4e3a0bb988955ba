"""A Django project of somebody else, with settings of the page: it shows who is signed in, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import finished, running

SETTINGS = """
import os
from pathlib import Path

DEBUG = True  # what goes wrong is told in the log
SECRET_KEY = "of-this-site-alone"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                  "django.contrib.messages"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
              "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                                                 "django.contrib.auth.context_processors.auth"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("db.sqlite3")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
"""
URLS = """
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path

def home(request):
    user = request.user
    return JsonResponse({"username": user.username, "email": getattr(user, "email", ""), "name": user.get_full_name()
                         if user.is_authenticated else ""})

def button(request):
    form = '<form method="post" action="%s"><input type="hidden" name="csrfmiddlewaretoken" value="%s"></form>'
    return HttpResponse(form % (request.GET["to"], get_token(request)))

urlpatterns = [path("", home), path("button", button)]
"""


@contextmanager
def site(python: Path, place: Place, settings: str, *urls: str, views: str = "", **environ: str) -> Iterator[Path]:
    """Serve it. `urls` are the lines for `urls.py`; `views` is put before them."""
    place.save("settings.py", SETTINGS + settings)
    place.save("urls.py", URLS + views + f"urlpatterns += [{', '.join(urls)}]\n")
    everything = {**place.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(place.folder), **environ}
    django: list[str | Path] = [python, "-m", "django"]
    finished([*django, "migrate", "--verbosity=0"], place.folder, **everything)
    command = [*django, "runserver", "--noreload", f"127.0.0.1:{place.port}"]
    with running(command, place.folder, place.port, **everything) as log:
        yield log
