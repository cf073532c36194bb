"""Where readers' pages are. Letters and feeds carry these addresses: they never change."""

from __future__ import annotations

from django.urls import path

from dispatcher.pages import joining, leaving, managing, views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("briefs/<str:public_id>", views.brief, name="brief"),
    path("topics/<str:slug>", views.topic, name="topic"),
    path("leave/<str:token>", leaving.leave, name="leave"),
    path("reader/<str:token>", managing.reader, name="reader"),
    path("join", joining.join, name="join"),
    path("join/sent", joining.sent, name="join-sent"),
    path("join/embed", joining.embed, name="join-embed"),
    path("join/puzzle", joining.puzzle, name="join-puzzle"),
    path("join/confirm/<str:token>", joining.confirm, name="join-confirm"),
]
