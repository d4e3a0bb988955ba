"""The whole configuration, read from the environment and checked at once.

Every variable may also be given as a file: `SECRET_KEY_FILE=/run/secrets/key` (useful with container secrets).
What is unsafe off loopback refuses to start, with a sentence that says what to set.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from common.issuer import LOOPBACK_NAMES, checked_issuer, hosts_of, split
from idp import environment, neighbours
from idp.environment import (
    Environment,
    checked_grace,
    checked_key_secrets,
    checked_level,
    checked_mtls_url,
    checked_toolkit_paths,
)
from idp.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"
env = Environment()

# --- Who we are ------------------------------------------------------------------------------------------------------
IDP_ISSUER: str = checked_issuer(env.str("IDP_ISSUER", default="http://localhost:8000"))
_issuer_host = urlsplit(IDP_ISSUER).hostname or ""
_origin, _path = split(IDP_ISSUER)
IS_LOCAL = _issuer_host in LOOPBACK_NAMES
# What people know this installation as: on every page, and in the subject and sender of every mail.
IDP_NAME: str = env.words("IDP_NAME", "Vestibule")
# A database is set, but no address: some variables of a deployment are here, and others were forgotten.
IDP_ISSUER_FORGOTTEN = env.is_set("DATABASE_URL") and not env.is_set("IDP_ISSUER")

DEBUG = env.flag("DEBUG")
if DEBUG and not IS_LOCAL:
    raise ImproperlyConfigured(
        f"DEBUG shows secrets to visitors and IDP_ISSUER is {IDP_ISSUER}. Unset DEBUG, or use a loopback issuer."
    )

# Nothing is made, or written, where both are given: a container may be read-only.
_given = env.is_set("SECRET_KEY") and env.is_set("IDP_KEY_SECRETS")
_local = environment.local_secrets(STATE_DIR / "secrets.env") if IS_LOCAL and not _given else {}


def _secret(name: str) -> str:
    """A secret from the environment; on loopback one made at first start and kept in var/secrets.env (0600)."""
    value: str = env.str(name, default=_local.get(name, ""))
    if len(value) < 32:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE) to at least 32 random characters.")
    return value


SECRET_KEY = _secret("SECRET_KEY")
# Encrypts private signing keys and second factors at rest: comma-separated, the first encrypts, all decrypt.
IDP_KEY_SECRETS = checked_key_secrets(_secret("IDP_KEY_SECRETS"))

ALLOWED_HOSTS = hosts_of(IDP_ISSUER)
# The worker: for how many days a key signs before the next one does, and the hour (UTC) in which tables are cleared.
IDP_KEY_ROTATION_DAYS = env.positive("IDP_KEY_ROTATION_DAYS", default=30)
IDP_CLEARING_HOUR: int = env.hour("IDP_CLEARING_HOUR", default=3)
IDP_REFRESH_GRACE_SECONDS: int = checked_grace(env.int("IDP_REFRESH_GRACE_SECONDS", default=30))
IDP_LEGACY_QUERY_CREDENTIALS = env.flag("IDP_LEGACY_QUERY_CREDENTIALS")
# Whether audiences may use plain http off loopback (a private network that carries no TLS).
IDP_PLAIN_HTTP_AUDIENCES = env.flag("IDP_PLAIN_HTTP_AUDIENCES")
# Whether tokeninfo accepts an access token in the URI, as Google's did.
IDP_TOKENINFO_QUERY = env.flag("IDP_TOKENINFO_QUERY")
# Where django-oauth-toolkit had its endpoints, for apps of a site that moved here. Empty: nowhere.
IDP_TOOLKIT_PATHS: str = checked_toolkit_paths(env.str("IDP_TOOLKIT_PATHS", default=""), IDP_ISSUER)
# Whether every DPoP proof needs a nonce of ours. Each answer to a proof brings one either way.
IDP_DPOP_NONCE_REQUIRED = env.flag("IDP_DPOP_NONCE_REQUIRED")
# Whether clients that a superuser allows it may ask for tokens through the browser: for apps that cannot be changed.
IDP_LEGACY_RESPONSE_TYPES = env.flag("IDP_LEGACY_RESPONSE_TYPES")
IDP_LEGACY_ASSERTION_AUDIENCE = env.flag("IDP_LEGACY_ASSERTION_AUDIENCE")  # the token endpoint as `aud`, too
# Whether every authorization request has to be pushed before a browser brings it (RFC 9126 section 5).
IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS = env.flag("IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS")
IDP_CLIENT_ID_METADATA_DOCUMENTS = env.flag("IDP_CLIENT_ID_METADATA_DOCUMENTS")  # ids that are addresses of documents
IDP_LOOPBACK_CLIENT_DOCUMENTS = env.flag_on_loopback("IDP_LOOPBACK_CLIENT_DOCUMENTS", IDP_ISSUER)
# Whether apps register themselves: never, with a token that an owner of a project made, or anybody's as guests.
IDP_DYNAMIC_REGISTRATION: str = env.one_of("IDP_DYNAMIC_REGISTRATION", "off", "tokens", "guests")
# Where Prometheus asks for numbers; never the port of the server. None: nothing is counted.
IDP_METRICS_LISTEN = env.listener("IDP_METRICS_LISTEN")
# Addresses (IP or CIDR) of reverse proxies whose X-Forwarded-For is believed. Nobody's by default.
IDP_TRUSTED_PROXIES = env.networks("IDP_TRUSTED_PROXIES")
# Client certificates (RFC 8705): the headers in which those proxies pass them on, and say that a CA vouches for them.
IDP_CLIENT_CERTIFICATE_HEADER: str = env.header("IDP_CLIENT_CERTIFICATE_HEADER")
IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER: str = env.header("IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER")
# A second address, where the proxy asks for certificates; the issuer's own is for browsers.
IDP_MTLS_URL: str = checked_mtls_url(env.str("IDP_MTLS_URL", default=""), IDP_ISSUER)
ALLOWED_HOSTS += [host for host in hosts_of(IDP_MTLS_URL) if host and host not in ALLOWED_HOSTS]
# Networks that many people share, as an office or a VPN does: more wrong passwords may come from there.
IDP_SHARED_NETWORKS = env.networks("IDP_SHARED_NETWORKS")
# Networks (CIDR) of your own where apps get logout tokens although no public address leads there. None by default.
IDP_PRIVATE_LOGOUT_NETWORKS = env.networks("IDP_PRIVATE_LOGOUT_NETWORKS")

# --- Django ----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "idp.apps.IdpConfig",
    "accounts",
    "projects",
    "projects.upstream",
    "clients",
    "provider",
    "idp.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "csp",
    "oauth2_provider",
]
# For pages only: the protocol endpoints need none of these, and a test serves them with an empty list.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "idp.health.middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "provider.endpoints.locales.middleware",
    "provider.endpoints.waiting.middleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sign_in.middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.guesses.middleware",
]
ROOT_URLCONF = "idp.urls"
WSGI_APPLICATION = "idp.wsgi.application"
APPEND_SLASH = False  # a redirected POST loses its body
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Storage ---------------------------------------------------------------------------------------------------------
DATABASES = {"default": neighbours.database(env, STATE_DIR)}
CACHES = environment.with_counters(
    neighbours.cache_with_time_limits(env.address("CACHE_URL", "locmemcache://", neighbours.cache_of))
)
# Seconds for which a process uses cached clients, APIs and keys before it checks whether something changed.
IDP_FACTS_MAX_AGE = 0.5

# --- People ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backend.AuthenticationBackend"]
# The first makes new hashes; the others are for hashes that were brought along.
PASSWORD_HASHERS = [
    f"common.hashers.{name}Hasher" for name in ("Argon2", "PBKDF2", "PBKDF2SHA1", "Scrypt", "BCrypt", "BCryptSHA256")
]
IDP_SLOW_HASHES = env.positive("IDP_SLOW_HASHES", default=2)  # that a process computes at once
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "projects.upstream.account_adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "projects.upstream.adapter.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
ACCOUNT_LOGIN_METHODS = {"username", "email"}
# Whether people may make their own accounts. Then an address is verified before its account is used: only so can
# the sign-up page answer alike for an address that has an account and one that has none.
IDP_SIGNUP_OPEN = env.flag("IDP_SIGNUP_OPEN")
# For how many days an invitation works, and whether members of projects invite, or superusers alone.
IDP_INVITATION_DAYS = env.positive("IDP_INVITATION_DAYS", default=7)
IDP_INVITATIONS: str = env.one_of("IDP_INVITATIONS", "members", "administrators")
# How many people a directory may end in an hour before it is stopped. 0: as many as it likes. None: by how many it has.
IDP_SCIM_ENDINGS_PER_HOUR: int | None = env.number_or_unsaid("IDP_SCIM_ENDINGS_PER_HOUR")
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if IDP_SIGNUP_OPEN else "optional"
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # no user name: asking for one tells which are taken
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, to go on to the app
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # to change addresses: they reset the password
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
# allauth's own numbers, written down. Wrong passwords and codes are counted in accounts/guesses.py; right ones are not.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": None,
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "signup": "20/m/ip",
    "confirm_email": "1/180s/key",
}
# Two-step verification.
MFA_ADAPTER = "accounts.mfa.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = _issuer_host
MFA_TOTP_TOLERANCE = 1  # the code before and the one after, as RFC 6238 section 5.2 recommends; each works once
MFA_RATE_LIMITS = {"webauthn_login": None}  # there is nothing to guess
# Browsers let only loopback names do without https; our forms compare the origin with the issuer in any case.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_LOCAL and IDP_ISSUER.startswith("http://")
# Otherwise nobody with a second factor could add an address. Where people sign up they verify one before anything else.
MFA_ALLOW_UNVERIFIED_EMAIL = True
DEFAULT_FROM_EMAIL: str = env.sender("DEFAULT_FROM_EMAIL", f"no-reply@{_issuer_host}")
ACCOUNT_FORMS = {
    "login": "projects.upstream.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
}
MFA_FORMS = {
    "authenticate": "accounts.mfa_forms.AuthenticateForm",
    "reauthenticate": "accounts.mfa_forms.ReauthenticateForm",
    "activate_totp": "accounts.mfa_forms.ActivateTOTPForm",
    "add_webauthn": "accounts.mfa_forms.AddWebAuthnForm",
    "edit_webauthn": "accounts.mfa_forms.EditWebAuthnForm",
    "login_webauthn": "accounts.mfa_forms.LoginWebAuthnForm",
    "authenticate_webauthn": "accounts.mfa_forms.AuthenticateWebAuthnForm",
    "reauthenticate_webauthn": "accounts.mfa_forms.ReauthenticateWebAuthnForm",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
_mail = neighbours.mail(env)
vars().update(_mail)
IDP_MAIL_BACKEND: str = _mail["IDP_MAIL_BACKEND"]

# --- Browsers --------------------------------------------------------------------------------------------------------
_https = IDP_ISSUER.startswith("https://")
SESSION_ENGINE = "accounts.sessions"
# Cookies know no ports: off https an app on the same host may have a cookie named "session" itself.
_cookie = "__Host-{}" if _https else f"vestibule-{{}}-{urlsplit(IDP_ISSUER).port or 80}"
if _https and _path:  # neighbours share the host: none of ours is sent to them, which __Host- does not allow
    _cookie = "__Secure-vestibule-{}"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = _path or "/"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = _cookie.format("session"), _cookie.format("csrf")
_host_only = _cookie.startswith("__Host-")
IDP_LOCALES_COOKIE_NAME = "ui_locales" if _host_only else _cookie.format("locales")  # not of the whole site
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# In a cookie they could be shown in other browsers too, in our name: neighbours below one domain set each other's.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# The one origin our own forms come from, whatever scheme and port a proxy in front shows us.
CSRF_TRUSTED_ORIGINS = [_origin]
CSRF_FAILURE_VIEW = "idp.stale_forms.csrf_failure"
SECURE_SSL_REDIRECT = False  # plain-HTTP requests off loopback are the proxy's to redirect; a POST is never redirected
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
# Other names below the issuer's, and the browsers' preload list, are not ours to decide for a deployment.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]  # the three decisions just above
# No other site learns an address. "no-referrer" would make Chromium send `Origin: null` with our own forms, and they
# would be refused as forged.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
STATIC_URL = f"{_path}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Servers serve the files of their own code, collected or not, so there is nothing to run after an update; the library
# would warn of the directory that nobody needs. It is for proxies that serve the files themselves.
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings("ignore", "No directory at: ", UserWarning)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# --- Words -----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "idp" / "locale"]
FORMAT_MODULE_PATH = "idp.formats"
TIME_ZONE = "UTC"
USE_TZ = USE_I18N = True

# --- django-oauth-toolkit: our models, our server, every RFC 9700 gate closed ----------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "clients.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "clients.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "clients.AccessToken"  # noqa: S105 - a model's name
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "clients.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "clients.IDToken"  # noqa: S105
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "clients.DeviceGrant"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "provider.toolkit.Server",
    "OAUTH2_VALIDATOR_CLASS": "provider.toolkit.Validator",
    "OAUTH2_BACKEND_CLASS": "provider.toolkit.Backend",
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": IDP_ISSUER,
    "SCOPES": {},
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],  # clients add loopback and private-use schemes themselves
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,  # ours lives on the Authorization
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    **{
        f"COMPLIANT_BCP_RFC9700_{gate}": True
        for gate in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

# --- Logs ------------------------------------------------------------------------------------------------------------
IDP_LOG_FORMAT: str = env.one_of("IDP_LOG_FORMAT", "text", "json")
IDP_LOG_REQUESTS = env.flag("IDP_LOG_REQUESTS")  # a line for requests that succeed, too
LOGGING = logging_settings(IDP_LOG_FORMAT, checked_level(env.str("LOG_LEVEL", default="INFO")))
