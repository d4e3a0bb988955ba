"""A Django project as `startproject` makes it, with the toolkit and OpenID Connect switched on."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import environ
from django.conf.global_settings import PASSWORD_HASHERS as _SHIPPED

SECRET_KEY = secrets.token_urlsafe(48)
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.benchmarks.toolkit.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# The last one is for the clients with a cheap secret hash; what new secrets get is the first, as shipped.
CHEAP = "django.contrib.auth.hashers.MD5PasswordHasher"
PASSWORD_HASHERS = [*_SHIPPED, CHEAP]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": Path(os.environ["BENCH_RSA_KEY"]).read_text(),
    "SCOPES": {"openid": "Sign in", "read": "Read"},
    "DEFAULT_SCOPES": ["read"],
}
