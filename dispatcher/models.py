"""The one app's models; every room owns its own, this module only gathers them for Django."""

from dispatcher.api.models import ApiToken
from dispatcher.audience.models import Consent, SignUp, Subscriber, Subscription, Suppression
from dispatcher.briefs.models import Brief, Revision, Topic, TopicAct
from dispatcher.feeds.models import (
    FeedChannel,
    FeedDocument,
    FeedGeneration,
    Publication,
    ToldTopic,
)
from dispatcher.feeds.models_hub import HubPing, HubRequest, HubSubscription, HubTopic
from dispatcher.feeds.models_readership import FeedReadership
from dispatcher.mailing.models import (
    Act,
    Batch,
    Delivery,
    DigestBrief,
    DigestRun,
    Dispatch,
    Notice,
    Owed,
    Receipt,
)

__all__ = [
    "Act",
    "ApiToken",
    "Batch",
    "Brief",
    "Consent",
    "Delivery",
    "DigestBrief",
    "DigestRun",
    "Dispatch",
    "FeedChannel",
    "FeedDocument",
    "FeedGeneration",
    "FeedReadership",
    "HubPing",
    "HubRequest",
    "HubSubscription",
    "HubTopic",
    "Notice",
    "Owed",
    "Publication",
    "Receipt",
    "Revision",
    "SignUp",
    "Subscriber",
    "Subscription",
    "Suppression",
    "ToldTopic",
    "Topic",
    "TopicAct",
]
