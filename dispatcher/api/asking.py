"""What may be sent to the API, field by field.

A brief in JSON is not among it: `briefs.reading` reads it, the same at every door, and refuses what
is wrong by the field's name (`describing` says what it may look like).
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from ninja import Schema
from ninja.errors import ValidationError
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic import ValidationError as BadFields

from dispatcher.api.answers import MalformedRequest
from dispatcher.briefs.reading import Form

BriefId = Annotated[
    str,
    Field(pattern=r"^[^\x00]+$", max_length=200, description="The public id, or the publisher's."),
]
DispatchId = Annotated[int, Field(ge=1, le=2**63 - 1)]


NOTE = Field(
    default="", max_length=1_000, description="What changed, or why, in a sentence to readers."
)


def _written_out(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("write it as text, like 2026-03-02T14:05:00Z")
    return value


Text = TypeVar("Text", bound="TextIn")


class TextIn(Schema):
    """A brief as text. What is given beside the text overrules what the text says."""

    model_config = ConfigDict(extra="forbid")

    text: str
    form: Form = Form.AUTO
    topics: tuple[str, ...] = ()
    urgent: StrictBool | None = None
    source_id: str = ""


class CorrectionIn(TextIn):
    """A correction as text. What it leaves out stays as it was."""

    note: str = NOTE


class RetractionIn(Schema):
    """Why. A misspelt field is refused."""

    model_config = ConfigDict(extra="forbid")

    note: str = NOTE


class ReleaseIn(Schema):
    """When and how. A misspelt field is refused, for a release cannot be taken back."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[AwareDatetime | None, BeforeValidator(_written_out)] = Field(
        default=None,
        description="ISO 8601 with a zone; now if left out.",
        examples=["2030-03-02T14:05:00Z"],
    )
    feeds_only: StrictBool = Field(
        default=False,
        description="Mail nobody: the brief appears in the feeds and on its page alone.",
    )


def json_object(body: bytes) -> dict[str, Any]:
    """The object that the body is. Raises MalformedRequest."""
    if not body:
        raise MalformedRequest("The body is empty: send a brief as JSON, with its Content-Length.")
    try:
        values = json.loads(body)
    except json.JSONDecodeError as fault:
        raise MalformedRequest(
            f"The body is no JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}."
        ) from None
    except UnicodeDecodeError:
        raise MalformedRequest("The body is no JSON: send it in UTF-8.") from None
    except (ValueError, RecursionError):
        raise MalformedRequest(
            "The body is JSON with a number too long or nested too deep."
        ) from None
    if not isinstance(values, dict):
        raise MalformedRequest('The body must be a JSON object: a brief, or {"text": …}.')
    return values


def correction_in(body: bytes) -> CorrectionIn:
    """A correction: a brief as text, or one in JSON, whose own fields are read as those of any brief.

    Raises MalformedRequest or ninja's ValidationError.
    """
    values = json_object(body)
    if "text" in values:
        return _valid(CorrectionIn, values)
    note = values.pop("note", "")
    urgent = values.get("urgent")
    as_text = {
        "text": json.dumps(values, ensure_ascii=False),
        "form": Form.JSON,
        "note": note,
        "urgent": urgent if isinstance(urgent, bool) else None,
    }
    return _valid(CorrectionIn, as_text)


def text_in(values: dict[str, Any]) -> TextIn:
    """The fields of a brief as text. Raises ninja's ValidationError, naming the first bad field."""
    return _valid(TextIn, values)


def _valid(kind: type[Text], values: dict[str, Any]) -> Text:
    try:
        return kind.model_validate(values)
    except BadFields as bad:
        raise ValidationError(
            [{"loc": ("body", "", *fault["loc"]), "msg": fault["msg"]} for fault in bad.errors()]
        ) from None
