"""Where feeds are. These addresses are in people's feed readers: they never change."""

from __future__ import annotations

from django.urls import path

from dispatcher.feeds import hub_views, views

app_name = "feeds"
urlpatterns = [
    path("", views.index, name="index"),
    path("hub", hub_views.hub, name="hub"),
    path("all.<str:format>", views.all_briefs, name="all"),
    path("topics/<str:slug>.<str:format>", views.topic, name="topic"),
]
