"""Addresses that must not be mailed: who put one on the list and why, and who took it off again.

Whether an address is on it is asked of `consent`; a trigger tells its reader's row.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q

from dispatcher.audience.addresses import normalise
from dispatcher.audience.consent import ERASED, one_line, same
from dispatcher.audience.hashing import hashed
from dispatcher.audience.models import Suppression, SuppressionAct
from dispatcher.translating import later

# What its owner is told, who may know nothing of it.
STOPPED = later("Letters to this address are stopped. Write to us about it.")


@transaction.atomic
def suppress(address: str, *, reason: str, by: str = "") -> bool:
    """Never mail this address again; whether it could be mailed before. Repeats keep the first reason.

    Of an erased one only the reason is new: the address is not written again. Raises BadAddress.
    """
    address, reason = normalise(address), one_line(reason)[:80]
    if Suppression.objects.filter(_on_the_list(address), reason=ERASED).update(reason=reason):
        _note(hashed(address), SuppressionAct.What.SUPPRESSED, reason, by)
        return False
    if Suppression.objects.filter(_on_the_list(address)).exists():
        return False
    try:
        with transaction.atomic():
            Suppression.objects.create(address=address, reason=reason)
    except IntegrityError:  # by another in this moment
        return False
    _note(address, SuppressionAct.What.SUPPRESSED, reason, by)
    return True


@transaction.atomic
def lift(address: str, *, reason: str, by: str) -> bool:
    """Let the address be mailed again; whether it could not be. Rules that ended stay ended.

    Raises BadAddress.
    """
    address = normalise(address)
    lifted = list(Suppression.objects.select_for_update().filter(_on_the_list(address)))
    for each in lifted:
        each.delete()
        _note(each.address, SuppressionAct.What.LIFTED, one_line(reason)[:80], by)
    return bool(lifted)


def acts(address: str) -> list[SuppressionAct]:
    """What was done about the address, the last first."""
    return list(SuppressionAct.objects.filter(_on_the_list(address)).order_by("-at", "-pk"))


def is_erased(address: str) -> bool:
    """Whether what stays of an erased address is this one's."""
    return Suppression.objects.filter(same(hashed(address))).exists()


def _on_the_list(address: str) -> Q:
    """As itself, or as what stays of it once erased."""
    return Q(same(address)) | Q(same(hashed(address)))


def _note(address: str, what: str, reason: str, by: str) -> None:
    SuppressionAct.objects.create(address=address, what=what, reason=reason, by=one_line(by)[:80])
