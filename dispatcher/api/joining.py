"""Signing up by program: a public operation, under the limits of the page and with its answer.

Whoever runs a form of their own posts here; the visitor's own address counts, as on the page.
"""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status
from pydantic import ConfigDict

from dispatcher import visitors
from dispatcher.api.docs import answers
from dispatcher.audience import rules
from dispatcher.audience.joining import WORDING_OF_API, Wish
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import BadFile, BadTopics
from dispatcher.mailing import joining

router = Router(tags=["Readers"])


class SignUpIn(Schema):
    """Who wants what. A misspelt field is refused, for nobody would notice that it was not heard."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(examples=["ada@example.org"], max_length=1_000)
    topics: tuple[str, ...] = Field(
        description="Names, aliases or slugs; `*` alone is every brief.", max_length=500
    )
    match: str = Field(default="any", description="any or all of the topics", max_length=20)
    except_topics: tuple[str, ...] = Field(default=(), alias="except", max_length=500)
    cadence: str = Field(default="at once", description="at once, daily or weekly", max_length=20)
    name: str = Field(default="", max_length=200)
    language: str = Field(
        default="en", pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35
    )
    time_zone: str = Field(default="UTC", description="An IANA name.", max_length=64)
    solution: str = Field(
        default="",
        description="`salt:number:signature` of the puzzle at /join/puzzle, where it is asked for.",
        max_length=200,
    )


class SignUpOut(Schema):
    detail: str = Field(description="The same for every address.", examples=[str(joining.SENT)])


@router.post(
    "",
    **answers({202: SignUpOut}, 400, 413, 422),
    auth=None,
    throttle=[],
    summary="Sign up",
    operation_id="sign_up",
)
def sign_up(request: HttpRequest, wish: SignUpIn) -> Status[SignUpOut]:
    """Sends a letter with a link to that address; its owner becomes a reader by confirming there. Needs
    no token. The answer is the same whether the address is known or not.
    """
    asked = Wish(
        address=wish.address,
        rule=_rule(wish),
        source="API",
        name=wish.name,
        language=wish.language,
        time_zone=wish.time_zone,
        wording=WORDING_OF_API,
    )
    joining.ask(asked, visitor=visitors.ip_of(request), solution=wish.solution)
    return Status(202, SignUpOut(detail=str(joining.SENT)))


def _rule(wish: SignUpIn) -> rules.Rule:
    try:
        return rules.parse(
            ",".join(wish.topics),
            wish.match,
            ",".join(wish.except_topics),
            wish.cadence,
            resolve=Vocabulary().resolve,
        )
    except BadFile as refusal:  # which is about a row of a file elsewhere
        raise BadTopics(str(refusal)) from None
