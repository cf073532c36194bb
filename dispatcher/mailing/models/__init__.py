"""The room's tables."""

from dispatcher.mailing.models.digest import DigestBrief, DigestRun, Owed
from dispatcher.mailing.models.dispatch import Act, Batch, Delivery, Dispatch
from dispatcher.mailing.models.fuse import Fuse
from dispatcher.mailing.models.notice import Notice
from dispatcher.mailing.models.receipt import Receipt

__all__ = [
    "Act",
    "Batch",
    "Delivery",
    "DigestBrief",
    "DigestRun",
    "Dispatch",
    "Fuse",
    "Notice",
    "Owed",
    "Receipt",
]
