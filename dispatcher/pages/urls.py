"""Where readers' pages are. Letters and feeds carry these addresses: they never change."""

from __future__ import annotations

from django.urls import path

from dispatcher.pages import leaving, managing, views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("briefs/<str:public_id>", views.brief, name="brief"),
    path("topics/<str:slug>", views.topic, name="topic"),
    path("leave/<str:token>", leaving.leave, name="leave"),
    path("reader/<str:token>", managing.reader, name="reader"),
]
