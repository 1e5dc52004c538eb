"""Django's settings, from the run's own configuration; without a run they load too and no database is asked."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import timedelta
from pathlib import Path

from pipeline import config
from pipeline.errors import MargindeskError
from pipeline.runtime import Runtime, from_environment


def _runtime() -> Runtime | None:
    try:
        return from_environment()
    except MargindeskError:
        return None


def _settings(runtime: Runtime | None) -> config.Settings:
    if runtime is not None and runtime.settings_file.exists():
        return runtime.settings()
    return config.Settings()


def _secret_key(runtime: Runtime | None) -> str:
    """Random, made once a state directory, 0600; without a run one that nobody keeps."""
    if runtime is None or not runtime.keys.is_dir():
        return secrets.token_urlsafe(64)
    path = runtime.keys / "django.secret"
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text(encoding="ascii")


RUNTIME = _runtime()
RUN_SETTINGS = _settings(RUNTIME)
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = _secret_key(RUNTIME)
ALLOWED_HOSTS = list(RUN_SETTINGS.web.allowed_hosts)
ROOT_URLCONF = "configs.urls"
ASGI_APPLICATION = "configs.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-us"
USE_I18N = False  # one language; numbers have one form (ui.web.numbers)
LOGGING_CONFIG = None  # pipeline.logs has configured the root logger

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "storage",
    "ui.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "ui.web.policy.content_security_policy",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ui.web.absence.DatabaseAbsence",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

# One server, two roles: `owner` migrates (manage.py migrate --database owner), everything else is the web's own role.
_DATABASE = {
    "ENGINE": "configs.database",
    "NAME": "margindesk",
    "CONN_MAX_AGE": 0,
}  # ASGI keeps no thread to keep one in
DATABASES = {
    "default": {**_DATABASE, "ROLE": "app_web"},
    "owner": {**_DATABASE, "ROLE": "app_owner", "TEST": {"MIRROR": "default"}},
}

STATIC_URL = "/static/"
SERVESTATIC_USE_FINDERS = True  # served from the packages themselves: nothing to collect, nothing to go stale
SERVESTATIC_AUTOREFRESH = False

# People: session 8 h in memory first, so that a login outlives an absence of PostgreSQL.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "margindesk"}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = int(timedelta(hours=8).total_seconds())
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "margindesk"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "page"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "ui.web.backends.RememberingBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "ui.web.lockout.answer"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# Loopback without TLS, or behind a TLS proxy that says so (docs/api.md tells why the four checks are silent).
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
if RUN_SETTINGS.web.behind_tls:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
else:
    SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": "1200/min", "login": "30/min"},
    "EXCEPTION_HANDLER": "storage.api.errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": 0,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Margindesk",
    "DESCRIPTION": "Accounts, positions, margin, orders, quotes and system state of a run. Read-only: no orders here.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}
