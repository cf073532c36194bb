"""Releases a brief when it is told to: `python -m bench.chaos.releasing BRIEF`, then a line on its input.

Two of these are two doors of the product at the same moment. Prints what became of it.
"""

from __future__ import annotations

import sys


def main(brief_id: str) -> None:
    import django

    django.setup()
    from dispatcher.briefs.models import Brief
    from dispatcher.errors import Refusal
    from dispatcher.mailing import dispatching

    brief = Brief.objects.select_related("current").get(pk=int(brief_id))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print("released", dispatching.release(brief, by="fault trials").pk, flush=True)
    except Refusal as refusal:
        print(type(refusal).__name__, refusal, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
