"""The API's door: it reads a request, calls one verb and answers. Nothing is decided here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Path, Status
from ninja.security import HttpBearer

from dispatcher import __version__
from dispatcher.api import describing, docs, joining, tokens
from dispatcher.api.asking import (
    BriefId,
    DispatchId,
    ReleaseIn,
    RetractionIn,
    correction_in,
    json_object,
    text_in,
)
from dispatcher.api.docs import answers
from dispatcher.api.limits import PerToken
from dispatcher.api.models import ApiToken
from dispatcher.api.shaping import Api
from dispatcher.api.telling import AmendmentOut, BriefOut, DispatchOut, IntakeOut, ReleaseOut
from dispatcher.briefs import intake
from dispatcher.briefs.reading import Form
from dispatcher.mailing import amending, dispatching


class Request(HttpRequest):
    """A request that has been let in."""

    auth: ApiToken


class Bearer(HttpBearer):
    def authenticate(self, _request: HttpRequest, token: str) -> ApiToken | None:
        return tokens.holder(token)


api = Api(
    title="Dispatcher",
    version=__version__,
    description=docs.ABOUT,
    urls_namespace="api",
    docs=docs.Docs(),
    auth=Bearer(),
    throttle=PerToken(),
)


@api.post(
    "/briefs",
    **answers({200: IntakeOut, 201: IntakeOut}, 400, 413, 422, body=describing.BRIEF_BODY),
    summary="Hand in a brief",
    operation_id="hand_in_brief",
    tags=["Briefs"],
)
def hand_in(request: Request, response: HttpResponse) -> Status[IntakeOut]:
    """A new brief is answered with 201. One that is known is answered with 200: `same` if it says the
    same, else `changed`, and what it says now is its next revision. Sending it again does no harm.
    """
    by = _name(request)
    values = json_object(request.body)
    if "text" in values:
        given = text_in(values)
        taken = intake.hand_in(
            given.text,
            by=by,
            form=given.form,
            topic_names=given.topics,
            urgent=given.urgent,
            source_id=given.source_id,
        )
    else:
        taken = intake.hand_in(request.body, by=by, form=Form.JSON)
    if taken.outcome is not intake.Outcome.NEW:
        return Status(200, IntakeOut.of(taken))
    response["Location"] = reverse("api:get_brief", kwargs={"brief_id": taken.brief.public_id})
    return Status(201, IntakeOut.of(taken))


@api.get(
    "/briefs/{brief_id}",
    **answers({200: BriefOut}, 404, 422),
    summary="Look at a brief",
    operation_id="get_brief",
    tags=["Briefs"],
)
def get_brief(request: Request, brief_id: Path[BriefId]) -> BriefOut:  # noqa: ARG001
    """What it says, whether it was released, and by which dispatches."""
    return BriefOut.of(intake.find(brief_id))


@api.post(
    "/briefs/{brief_id}/release",
    **answers({202: ReleaseOut}, 400, 404, 409, 413, 422),
    summary="Release a brief",
    operation_id="release_brief",
    tags=["Briefs"],
)
def release(
    request: Request,
    response: HttpResponse,
    brief_id: Path[BriefId],
    how: ReleaseIn | None = None,
) -> Status[ReleaseOut]:
    """Lets the brief go to the readers who follow its topics at once, and to the feeds: now, or at a
    time. A brief is released once; a second release is answered with 409. The body may be left out.
    """
    how = how or ReleaseIn()
    brief = intake.find(brief_id)
    prospect = dispatching.prospect(brief)
    dispatch = dispatching.release(
        brief, by=_name(request), at=how.at, to_feeds_alone=how.feeds_only
    )
    response["Location"] = reverse("api:get_dispatch", kwargs={"dispatch_id": dispatch.pk})
    return Status(202, ReleaseOut.of(dispatch, prospect))


@api.post(
    "/briefs/{brief_id}/correct",
    **answers({200: AmendmentOut}, 400, 404, 409, 413, 422, body=describing.CORRECTION_BODY),
    summary="Correct a brief",
    operation_id="correct_brief",
    tags=["Briefs"],
)
def correct(request: Request, brief_id: Path[BriefId]) -> AmendmentOut:
    """What readers see changes at once, on the page and in the feeds, and a brief that was withdrawn is
    back; no letter goes out about it. The same content again changes nothing, so sending it twice does
    no harm. A brief that was not released is handed in anew instead.
    """
    given = correction_in(request.body)
    done = amending.correct(
        intake.find(brief_id),
        given.text,
        by=_name(request),
        note=given.note,
        form=given.form,
        topic_names=given.topics,
        urgent=given.urgent,
        source_id=given.source_id,
    )
    return AmendmentOut.of(done)


@api.post(
    "/briefs/{brief_id}/retract",
    **answers({200: AmendmentOut}, 400, 404, 409, 413, 422),
    summary="Withdraw a brief",
    operation_id="retract_brief",
    tags=["Briefs"],
)
def retract(
    request: Request, brief_id: Path[BriefId], why: RetractionIn | None = None
) -> AmendmentOut:
    """Letters that have not left stay, its page answers 410 and says when and why, and the feeds drop it.
    Sending it twice does no harm. Only a correction brings it back. The body may be left out.
    """
    note = why.note if why else ""
    return AmendmentOut.of(amending.retract(intake.find(brief_id), by=_name(request), note=note))


@api.get(
    "/dispatches/{dispatch_id}",
    **answers({200: DispatchOut}, 404, 422),
    summary="Look at a dispatch",
    operation_id="get_dispatch",
    tags=["Dispatches"],
)
def get_dispatch(request: Request, dispatch_id: Path[DispatchId]) -> DispatchOut:  # noqa: ARG001
    """How far it is: its state, and its ledger as it stands."""
    return DispatchOut.of(dispatching.find(dispatch_id))


api.add_router("/readers", joining.router)


def _name(request: Request) -> str:
    return f"{request.auth.name} (API)"
