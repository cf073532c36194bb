"""Who is at the command line, for the record of what was handed in and released."""

from __future__ import annotations

import getpass


def me() -> str:
    try:
        return f"{getpass.getuser()} at the command line"
    except (OSError, KeyError):  # an account without a name, as in some containers
        return "someone at the command line"
