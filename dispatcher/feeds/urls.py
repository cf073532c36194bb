"""Where feeds are. These addresses are in people's feed readers: they never change."""

from __future__ import annotations

from django.urls import path

from dispatcher.feeds import hub_views, views

app_name = "feeds"
urlpatterns = [
    path("", views.index, name="index"),
    path("feeds.opml", views.outline, name="outline"),
    path("hub", hub_views.hub, name="hub"),
    path("choose", views.choose, name="choose"),
    path("<path:address>", views.feed, name="feed"),
]
