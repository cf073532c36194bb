"""The WSGI entry: `granian --interface wsgi dispatcher.wsgi:application`. Feeds go out before Django."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatcher.settings")
_django = get_wsgi_application()

from dispatcher.feeds import shelf  # noqa: E402  once Django is set up

application = shelf.around(_django)
