"""What came back, as staff leaf through it: receipts that counted, and notes that counted for nobody. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from dispatcher.audience import consent
from dispatcher.mailing.models import Receipt

LEAF = 50
KINDS = tuple(Receipt.Kind.values)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Receipts, newest first; `older_than` is where the next leaf begins, None after the last."""

    receipts: Sequence[Receipt]
    older_than: int | None


def leaf(
    *,
    search: str = "",
    kind: str = "",
    address: str = "",
    fuse_id: int | None = None,
    older_than: int | None = None,
    limit: int = LEAF,
) -> Leaf:
    """Up to fifty whose address or words contain `search`, of one of KINDS, of just that `address`, or
    held by that fuse. Leafing by id costs the same at any depth.
    """
    rows = Receipt.objects.select_related("delivery").order_by("-pk")
    if search:
        rows = rows.filter(Q(address__icontains=search) | Q(diagnostic__icontains=search))
    if kind:
        rows = rows.filter(kind=kind)
    if address:
        rows = rows.filter(consent.same(address))
    if fuse_id is not None:
        rows = rows.filter(fuse=fuse_id)
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    found = list(rows[: limit + 1])
    return Leaf(found[:limit], found[limit - 1].pk if len(found) > limit else None)
