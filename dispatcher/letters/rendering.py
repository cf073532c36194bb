"""A template and a context into a letter: subject, plain text and HTML with its styles inlined.

Decides how templates are read and what a letter must be to leave (defined throughout, small enough
not to be clipped, reaching for no network). What a letter says is for the templates.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cssutils.util
import premailer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatcher.letters import plaintext
from dispatcher.letters.languages import capitals, setting
from dispatcher.letters.paragraphs import runs
from dispatcher.letters.slots import Markers
from dispatcher.letters.tokens import tokens
from dispatcher.letters.words import can_be_translated, words
from dispatcher.translating import SOURCE

LARGEST = 95 * 1024  # octets of HTML; Gmail clips at 102 KB
_CONTROLS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# premailer and cssutils keep settings and caches in module globals.
_INLINING = threading.Lock()


class LetterTooLarge(ValueError):  # noqa: N818  a refusal reads as a sentence
    """The HTML would be clipped by the reader's mailbox."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered letter. With a `nonce`, the texts hold `Markers` of it in place of values."""

    subject: str
    text: str
    html: str
    nonce: str = ""


class Renderer:
    """Renders the letters in some folders, each a folder of subject.txt, body.txt and body.html."""

    def __init__(self, *folders: Path) -> None:
        self._html = _environment(folders, autoescape=True)
        self._plain = _environment(folders, autoescape=False)

    def render(self, name: str, context: Mapping[str, object]) -> Letter:
        """The letter `name` with every value in the context, `slots` among them.

        Raises jinja2.UndefinedError for a value that a template misses, LetterTooLarge.
        """
        rough = self._rough(name, context)
        return Letter(rough.subject, rough.text, _inlined(rough.html))

    def render_with_slots(self, name: str, context: Mapping[str, object]) -> Letter:
        """The letter `name` for any reader: marks stand where `slots` are read.

        The marks' nonce is a digest of the letter itself, so that no brief can contain one.
        """
        first = self._rough(name, {**context, "slots": Markers.of("")})
        whole = "\0".join((first.subject, first.text, first.html))
        nonce = hashlib.sha256(whole.encode()).hexdigest()[:24]
        if nonce in whole:
            raise ValueError("The letter holds the digest of itself.")
        letter = self.render(name, {**context, "slots": Markers.of(nonce)})
        if nonce in letter.subject:
            raise ValueError(f"The subject of {name!r} reads a slot; it is the same for everyone.")
        return Letter(letter.subject, letter.text, letter.html, nonce)

    def _rough(self, name: str, context: Mapping[str, object]) -> Letter:
        notes = {"notes": plaintext.Notes()}
        ours = words(str(context.get("chrome", SOURCE)))
        told = {**context, **ours.in_text()}
        subject = self._plain.get_template(f"{name}/subject.txt").render(told)
        text = self._plain.get_template(f"{name}/body.txt").render(told, **notes)
        told.update(ours.in_html())
        html = self._html.get_template(f"{name}/body.html").render(told)
        subject = _CONTROLS.sub(" ", subject).strip()
        if not subject:
            raise ValueError(f"The subject of {name!r} is empty.")
        return Letter(subject, text.strip("\n") + "\n", html)


def _environment(folders: Sequence[Path], *, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(list(folders)),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701  plain text is not escaped
        trim_blocks=True,
        lstrip_blocks=True,
    )
    can_be_translated(environment)
    environment.globals.update(setting=setting, tokens=tokens, words=words)
    environment.filters.update(
        ascii_url=plaintext.ascii_url,
        capitals=capitals,
        runs=runs,
        underlined=plaintext.underlined,
        wrapped=plaintext.wrapped,
    )
    return environment


def _inlined(html: str) -> str:
    _refuse_large(html)
    with _INLINING:
        inlined: str = premailer.transform(
            html,
            keep_style_tags=True,
            strip_important=False,
            disable_validation=True,
            allow_network=False,
            cssutils_logging_level=logging.CRITICAL,
            # Layout is said by our own attributes; these would be invalid outside tables.
            disable_basic_attributes=["align", "valign", "width", "height"],
        )
    _refuse_large(inlined)
    return inlined.strip() + "\n"


def _refuse_large(html: str) -> None:
    size = len(html.encode())
    if size > LARGEST:
        raise LetterTooLarge(
            f"The letter has {size / 1024:.0f} KB of HTML; mailboxes clip what is over "
            f"{LARGEST // 1024} KB. Shorten the brief."
        )


def _fetch_nothing(url: str) -> tuple[str | None, bytes]:  # noqa: ARG001
    return None, b""


# `allow_network=False` is premailer's; an @import is followed by cssutils, by this function alone.
cssutils.util._defaultFetcher = _fetch_nothing
