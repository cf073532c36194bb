"""The desk's addresses. All but signing in stand behind `door`: nothing here is for the public."""

from __future__ import annotations

from django.urls import URLPattern, path

from dispatcher.console import (
    amending,
    attending,
    briefs,
    dispatches,
    feeds,
    previews,
    readers,
    releasing,
    resending,
    returns,
    signing,
    suppressing,
    topics,
    writing,
)
from dispatcher.console.doors import door

app_name = "console"

_BRIEF = "briefs/<slug:brief_id>/"
_DISPATCH = "dispatches/<int:number>/"
_READER = "readers/<int:number>/"

urlpatterns: list[URLPattern] = [
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", door(signing.sign_out), name="sign-out"),
    path("", door(briefs.home), name="home"),
    path("briefs/", door(briefs.listing), name="briefs"),
    path("write", door(writing.write), name="write"),
    path(_BRIEF, door(briefs.detail), name="brief"),
    path(_BRIEF + "write", door(writing.write), name="write-again"),
    path(_BRIEF + "mail", door(previews.mail), name="preview-mail"),
    path(_BRIEF + "web", door(previews.web), name="preview-web"),
    path(_BRIEF + "test", door(briefs.try_out), name="test"),
    path(_BRIEF + "release", door(releasing.release), name="release"),
    path(_BRIEF + "correct", door(amending.correct), name="correct"),
    path(_BRIEF + "withdraw", door(amending.withdraw), name="withdraw"),
    path("dispatches/", door(dispatches.listing), name="dispatches"),
    path(_DISPATCH, door(dispatches.detail), name="dispatch"),
    path(_DISPATCH + "progress", door(dispatches.progress), name="progress"),
    path(_DISPATCH + "pause", door(dispatches.change), {"verb": "pause"}, name="pause"),
    path(_DISPATCH + "resume", door(dispatches.change), {"verb": "resume"}, name="resume"),
    path(_DISPATCH + "cancel", door(dispatches.change), {"verb": "cancel"}, name="cancel"),
    path(_DISPATCH + "rest", door(resending.rest), name="rest"),
    path("readers/", door(readers.listing), name="readers"),
    path("readers/returned/", door(returns.listing), name="returned"),
    path("readers/returned/fuses/<int:number>", door(returns.fuse), name="fuse"),
    path("readers/suppressed/", door(suppressing.listing), name="suppressions"),
    path("readers/suppressed/add", door(suppressing.suppress), name="suppress-address"),
    path("readers/suppressed/<int:suppression>/lift", door(suppressing.lift), name="lift-address"),
    path(_READER, door(readers.detail), name="reader"),
    path(_READER + "suppress", door(suppressing.suppress), name="suppress"),
    path(_READER + "lift", door(suppressing.lift), name="lift"),
    path(_READER + "rules/new", door(attending.rule), name="rule-new"),
    path(_READER + "rules/<int:rule>", door(attending.rule), name="rule"),
    path(_READER + "rules/<int:rule>/end", door(attending.end), name="rule-end"),
    path(_READER + "rules/<int:rule>/again", door(attending.take_up), name="rule-again"),
    path(_READER + "pause", door(attending.pause), name="pause-reader"),
    path(_READER + "resume", door(attending.resume), name="resume-reader"),
    path(_READER + "link", door(attending.send_page), name="send-page"),
    path(_READER + "erase", door(attending.erase), name="erase"),
    path("feeds/", door(feeds.readers), name="feeds"),
    path("topics/", door(topics.listing), name="topics"),
    *(
        path(f"topics/<int:number>/{verb}", door(topics.change), {"verb": verb}, f"topic-{verb}")
        for verb in topics.CHANGES
    ),
]
