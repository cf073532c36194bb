"""Whether what the operator has set is fit for letters to strangers, and whether there is room on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LEAST_FREE = 1_000_000_000  # octets
OWN_MACHINE = {"127.0.0.1", "localhost", "::1"}

Finding = tuple[str, bool, str]  # what, whether it is well, in words


def examine(folder: Path | None) -> Iterator[Finding]:
    is_public = settings.PUBLIC_HOST not in OWN_MACHINE
    url = settings.PUBLIC_URL
    if not is_public:
        words = f"{url}, for this machine only; set it to an https address for readers"
    else:
        words = (
            url if settings.SECURE else f"{url} is not private. Set PUBLIC_URL to an https address."
        )
    yield "PUBLIC_URL", settings.SECURE or settings.DEBUG or not is_public, words
    yield _sender(is_public=is_public)
    yield _secret()
    if folder is not None:
        free = shutil.disk_usage(folder).free
        words = f"{free / 1e9:,.1f} GB free for {folder}"
        yield (
            "disk",
            free >= LEAST_FREE,
            words if free >= LEAST_FREE else f"Only {words}. Make room.",
        )


def _sender(*, is_public: bool) -> Finding:
    """Samples are good enough until letters leave this machine."""
    samples = []
    if settings.MAIL_FROM.endswith("@example.org"):
        samples.append("MAIL_FROM")
    if settings.PUBLISHER_ADDRESS.startswith("1 Example Street"):
        samples.append("PUBLISHER_ADDRESS")
    if samples and is_public:
        return "sender", False, f"Still a sample: {', '.join(samples)}. Set what is yours."
    who = f"{settings.PUBLISHER_NAME} <{settings.MAIL_FROM}>"
    return "sender", True, f"{who}, a sample" if samples else who


def _secret() -> Finding:
    try:
        is_set = bool(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django does not even let an empty one be looked at
        is_set = False
    how = 'Set it: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    return "SECRET_KEY", is_set, "set" if is_set else how
