"""Of the site. It runs in processes of its own; the environment says where its database and its address are."""

from __future__ import annotations

import os
from pathlib import Path

from idp.neighbours import database_of

SECRET_KEY = "a key of another site, which nobody here knows"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": database_of(os.environ["TOOLKIT_SITE_DATABASE"])}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE"}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "oauth2_provider",
    "tests.idp.toolkit_site",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTH_USER_MODEL = "toolkit_site.Employee"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["tests.idp.toolkit_site.hashers.Quick"]
ROOT_URLCONF = "tests.idp.toolkit_site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": os.environ["TOOLKIT_SITE_ISSUER"],
    "OIDC_RSA_PRIVATE_KEY": Path(os.environ["TOOLKIT_SITE_KEY"]).read_text(),
    "SCOPES": {"openid": "Sign in", "email": "Your address", "read": "Read it", "write": "Change it"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 36_000,
    "PKCE_REQUIRED": False,
    "OAUTH2_VALIDATOR_CLASS": "tests.idp.toolkit_site.validator.Validator",
}
