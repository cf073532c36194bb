"""Where readers' pages are. Letters and feeds carry these addresses: they never change."""

from __future__ import annotations

from django.urls import path

from dispatcher.pages import editing, joining, leaving, managing, views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("briefs/<str:public_id>", views.brief, name="brief"),
    path("topics/<str:slug>", views.topic, name="topic"),
    path("leave/<str:token>", leaving.leave, name="leave"),
    path("reader/<str:token>", managing.reader, name="reader"),
    path("reader/<str:token>/rules/new", editing.rule, name="reader-rule-new"),
    path("reader/<str:token>/rules/<int:number>", editing.rule, name="reader-rule"),
    path("reader/<str:token>/details", editing.details, name="reader-details"),
    path("reader/<str:token>/address", editing.address, name="reader-address"),
    path("reader/<str:token>/feed", editing.own_feed, name="reader-feed"),
    path("reader/<str:token>/letters", editing.letters, name="reader-letters"),
    path("reader/<str:token>/data", editing.data, name="reader-data"),
    path("reader/<str:token>/erase", editing.erase, name="reader-erase"),
    path("move/<str:token>", editing.move, name="move-confirm"),
    path("join", joining.join, name="join"),
    path("join/sent", joining.sent, name="join-sent"),
    path("join/embed", joining.embed, name="join-embed"),
    path("join/puzzle", joining.puzzle, name="join-puzzle"),
    path("join/confirm/<str:token>", joining.confirm, name="join-confirm"),
]
