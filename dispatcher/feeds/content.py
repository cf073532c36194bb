"""A document as the HTML fragment that its page and the feeds share.

Semantic elements only, every link absolute, nothing that needs a style: classes are for the page,
feeds drop them.
"""

from __future__ import annotations

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from dispatcher.briefs.document import Document
from dispatcher.letters.languages import setting
from dispatcher.letters.paragraphs import runs


@lru_cache(maxsize=512)  # a brief is in many feeds; 0.4 ms each
def fragment(document: Document) -> SafeString:
    """The same bytes for the same document."""
    context = {"document": document, "setting": setting(document.language), "runs": runs}
    # The template escapes what is text; paragraphs were cleaned on the way in (briefs.document).
    return mark_safe(render_to_string("_document.html", context))  # noqa: S308
