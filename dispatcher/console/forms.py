"""What staff fill in: a brief, a release, an address. A form parses, asks the rooms, and keeps what was
typed beside the refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from dispatcher.audience import browsing
from dispatcher.briefs import reading, topics
from dispatcher.briefs.document import Document
from dispatcher.briefs.models import Brief, Revision
from dispatcher.errors import UnknownTopic, UnreadableBrief
from dispatcher.mailing import amending, matching
from dispatcher.mailing.matching import Audience


@dataclass(frozen=True, slots=True)
class NamedTopic:
    """A topic of the brief as understood; `followers` is None for one that does not exist."""

    name: str
    followers: int | None


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text means before it is stored; `audience` is None while a topic is unknown or missing."""

    document: Document
    topics: tuple[NamedTopic, ...]
    audience: Audience | None


class BriefForm(forms.Form):
    """A brief as text or file. After `is_valid`, `understood` says what it means, as far as it could
    be read; a file's text then stands in `shown_text`, because a browser cannot be given the file again.
    """

    is_correction = False
    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True)
    topics = forms.MultipleChoiceField(required=False)
    urgent = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.understood: Understood | None = None
        self.shown_text = self.data.get("text", "")
        self.known = topics.known()
        names = [topic.name for topic in self.known]
        self.fields["topics"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    @classmethod
    def again(cls, brief: Brief) -> Self:
        """The form with a brief as it was handed in, to be changed."""
        return cls.of(brief, brief.current)

    @classmethod
    def of(cls, brief: Brief, revision: Revision | None) -> Self:
        """The form with a revision of a brief as it was handed in."""
        if revision is None:
            return cls()
        form = cls(initial={"urgent": brief.urgent, "revision": revision.pk})
        form.shown_text = revision.source
        named = reading.read(revision.source, topics=form.known).topics if revision.source else ()
        if named != revision.document.topics:
            form.initial["topics"] = list(revision.document.topics)
        return form

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = self.cleaned_data
        file: UploadedFile[bytes] | None = given.get("file")
        raw: bytes | str = file.read(reading.MAX_BYTES + 1) if file else given.get("text", "")
        try:
            document = reading.read(raw, topics=self.known)
        except UnreadableBrief as refusal:
            self.add_error("file" if file else "text", str(refusal))
            return given
        if isinstance(raw, bytes):
            self.shown_text = raw = reading.text_of(raw)
        self._understand(document, given.get("topics") or list(document.topics))
        return given | {"raw": raw}

    def _understand(self, document: Document, names: Sequence[str]) -> None:
        vocabulary = topics.Vocabulary()
        ids: dict[str, int] = {}
        for name in names:
            try:
                (ids[name],) = vocabulary.resolve([name])
            except UnknownTopic as refusal:
                self.add_error("topics", str(refusal).replace("; see `dispatcher topic list`", ""))
        if not names:
            self.add_error(
                "topics", "The text names no topics; add a topics line or tick some below."
            )
        followers = browsing.followers(ids.values())
        self.understood = Understood(
            document=document,
            topics=tuple(
                NamedTopic(name, followers[ids[name]] if name in ids else None) for name in names
            ),
            audience=None
            if self.has_error("topics")
            else matching.count(vocabulary.reach(ids.values())),
        )


class CorrectionForm(BriefForm):
    """A brief that is public, the revision that was looked at, and what to tell readers of the change."""

    is_correction = True
    note = forms.CharField(
        max_length=amending.LONGEST_NOTE,
        error_messages={"required": "Say in a sentence what changed: readers see it."},
    )
    revision = forms.IntegerField(required=False)


class RetractionForm(forms.Form):
    """Why a brief is withdrawn."""

    note = forms.CharField(
        max_length=amending.LONGEST_NOTE,
        error_messages={"required": "Say in a sentence why: readers see it."},
    )


class ReleaseForm(forms.Form):
    """When to release, which revision was looked at, and for how many readers the button stood."""

    when = forms.ChoiceField(choices=[("now", "Now"), ("later", "At a time")], initial="now")
    at = forms.DateTimeField(
        required=False,
        error_messages={"invalid": "Give a date and a time, such as 2026-03-02 14:05."},
    )
    revision = forms.IntegerField(required=False)
    readers = forms.IntegerField(required=False)

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if self.cleaned_data.get("when") != "later":
            return None
        if at is None:
            raise forms.ValidationError("Give the date and the time of the release.")
        if at <= timezone.now():
            raise forms.ValidationError("This time is past. Give one to come, or release now.")
        return at

    @property
    def chosen_at(self) -> datetime | None:
        """The time asked for; None is now, or nothing that could be."""
        asked: datetime | None = None
        if self.is_bound and not self.has_error("at"):
            asked = self.cleaned_data.get("at")
        return asked
