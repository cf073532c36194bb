"""What a brief sent to the API may look like, for its description and its examples.

Only a description: `briefs.reading` reads a brief in JSON, and says which field is wrong.
"""

from __future__ import annotations

from typing import Any

from dispatcher.briefs.reading import Form

_SENTENCE = "The ferry line reopened on Monday after nine weeks."
_EXAMPLES = {
    "a brief": {
        "summary": "Field by field",
        "value": {
            "source_id": "ferries-2026-03-02",
            "headline": "Ferries run again between the islands",
            "kind": "Flash Brief",
            "published_at": "2026-03-02",
            "topics": ["Harbours"],
            "blocks": [
                {
                    "type": "section",
                    "heading": "Latest Developments",
                    "paragraphs": [_SENTENCE],
                },
                {
                    "type": "quotation",
                    "heading": "Expert Analysis",
                    "paragraphs": ["Nobody planned for it."],
                    "name": "Ada Example",
                    "role": "harbour analyst",
                },
                {
                    "type": "related",
                    "heading": "Related Analysis",
                    "entries": [{"title": "Who pays for the quay?", "source": "B. Sample"}],
                },
            ],
        },
    },
    "a text": {
        "summary": "As it was written or pasted",
        "value": {
            "text": f"# Ferries run again between the islands\n\n{_SENTENCE}\n\nTopics: Harbours",
            "form": "auto",
        },
    },
}


def _object(about: str, required: tuple[str, ...] = (), /, **fields: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "object", "properties": fields}
    described |= {"description": about} if about else {}
    return described | ({"required": list(required)} if required else {})


_TEXT = {"type": "string", "minLength": 1}
_MAYBE = {"type": ["string", "null"]}  # absent, null and blank all say nothing
_TEXTS = {"type": "array", "items": _TEXT}
_NAMES = _TEXTS | {"description": "Names, aliases or slugs of known topics."}
_ID = _MAYBE | {"description": "The publisher's own id: the same id is the same brief."}
_BLOCKS = {
    "section": _object(
        "", ("type", "paragraphs"), type={"const": "section"}, heading=_MAYBE, paragraphs=_TEXTS
    ),
    "quotation": _object(
        "",
        ("type", "paragraphs"),
        type={"const": "quotation"},
        heading=_MAYBE,
        paragraphs=_TEXTS,
        name=_MAYBE,
        role=_MAYBE,
    ),
    "related": _object(
        "",
        ("type", "entries"),
        type={"const": "related"},
        heading=_MAYBE,
        entries={
            "type": "array",
            "items": _object("", ("title",), title=_TEXT, source=_MAYBE, url=_MAYBE),
        },
    ),
}
_BRIEF = _object(
    "A brief in JSON. What it says is in `blocks`, or as Markdown or HTML in `body`.",
    ("headline", "topics"),
    headline=_TEXT | {"maxLength": 300},
    kind=_MAYBE,
    summary=_MAYBE,
    blocks={"type": ["array", "null"], "items": {"oneOf": list(_BLOCKS.values())}},
    body=_MAYBE,
    topics=_NAMES | {"minItems": 1},
    published_at=_MAYBE | {"description": "A day or a time; without a zone it is UTC."},
    language=_MAYBE | {"description": "A BCP 47 tag; guessed if left out."},
    url=_MAYBE,
    source_id=_ID,
    urgent={"type": ["boolean", "null"]},
)
_PASTED = _object(
    "A brief as text. What is given beside the text overrules what the text says.",
    ("text",),
    text=_TEXT,
    form={"enum": [form.value for form in Form], "default": Form.AUTO.value},
    topics=_NAMES,
    urgent={"type": ["boolean", "null"]},
    source_id=_ID | {"type": "string"},
) | {"additionalProperties": False}

_NOTE = {
    "type": "string",
    "maxLength": 1000,
    "description": "What changed, in a sentence to readers.",
}
_CORRECTION = _BRIEF | {
    "description": "The brief as it is to be, in JSON. Without topics or urgency these stay as they are.",
    "properties": _BRIEF["properties"] | {"note": _NOTE, "topics": _NAMES},
    "required": ["headline"],
}
_CORRECTED_TEXT = _PASTED | {"properties": _PASTED["properties"] | {"note": _NOTE}}
_CORRECTED_SENTENCE = _SENTENCE.replace("Monday", "Tuesday")

CORRECTION_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_CORRECTION, _CORRECTED_TEXT]},
            "examples": {
                "a text": {
                    "summary": "As it was written or pasted",
                    "value": {
                        "text": f"# Ferries run again between the islands\n\n{_CORRECTED_SENTENCE}",
                        "note": "The line reopened on Tuesday, not on Monday.",
                    },
                }
            },
        }
    },
}

BRIEF_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"oneOf": [_BRIEF, _PASTED]}, "examples": _EXAMPLES}
    },
}
