"""Review over the API: the same services as the pages'. Every command carries an idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dcmm_portal.api_errors import ErrorSerializer, Refused
from governance.api import review_schema as schema
from governance.api.controls import IDEMPOTENCY_KEY, key_of
from governance.api.schema import ResumeAskSerializer
from governance.api.views import Staff
from governance.desk.review.buttons import buttons_for
from governance.desk.review.proof import apply_at_once_with_proof, review_with_proof, vote_with_proof
from governance.models import Proposal, ProposalState
from governance.review import applying, drafting, previewing, rollback
from governance.review.errors import ReviewRefused
from governance.review.registry import KINDS, refuse_if_own_door
from governance.review.selectors import control_proposals, inbox, proposals
from governance.review.step_up import STEP_UP_AT_ONCE
from governance.review.story import export_story, proposal_story

_STATUS = {
    "no_role": 403, "not_yours": 403, "own_proposal": 403, "about_you": 403, "guardian": 403, "inactive": 403,
    "joined_after": 403, "role_after": 403, "credentials_after": 403, "needs_key": 403, "opened_after": 403, "token": 403,
    "step_up": 403, "missing": 403, "refused": 403, "held_back": 403,
    "unknown": 404, "unknown_market": 404, "unknown_scope": 404, "unknown_version": 404,
    "bad_change": 400, "bad_choice": 400, "bad_comment": 400, "bad_content": 400, "bad_key": 400, "bad_time": 400,
    "invalid": 400, "no_reason": 400, "long_reason": 400, "unknown_kind": 400, "unknown_person": 400, "wrong_subject": 400,
}  # fmt: skip
_ERRORS = dict.fromkeys((400, 403, 404, 409), ErrorSerializer)
_LIST = [
    OpenApiParameter("state", str, enum=ProposalState.values),
    OpenApiParameter("kind", str),
    OpenApiParameter("market", str, description="Only proposals that change this market's parameters."),
    OpenApiParameter("before", int, description="Only ids below this: the last one of the page before."),
]


class Proposals(Staff, APIView):
    """Every proposal, newest first, and making one."""

    @extend_schema(
        operation_id="proposals", parameters=_LIST, responses={200: schema.ProposalLineSerializer(many=True), **_ERRORS}
    )
    def get(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in ("state", "kind", "market")}
        before = request.query_params.get("before", "")
        if before and not (before.isascii() and before.isdecimal() and len(before) < 18):
            raise ValidationError({"before": "must be a whole number"})
        if "\x00" in "".join(asked.values()):
            raise ValidationError({"state": "must be text"})
        lines = proposals(**asked, before=int(before) if before else None)
        return Response(schema.ProposalLineSerializer(lines, many=True).data)

    @extend_schema(
        operation_id="propose",
        parameters=[IDEMPOTENCY_KEY],
        request=schema.ProposeSerializer,
        responses={200: schema.ProposalSerializer, **_ERRORS},
    )
    def post(self, request: Request) -> Response:
        data = _valid(schema.ProposeSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            refuse_if_own_door(data["kind"], data["change"])
            return drafting.propose(
                request.user, data["kind"], None, data["change"], data["reason"], key=key, now=now,
                apply_at_once=data["apply_at_once"], replaces=data["replaces"],
            )  # fmt: skip

        return _done(request, work)


class ResumeRequests(Staff, APIView):
    """What only two people end: the proposals about it that wait, and making one, which goes into review at once."""

    throttle_scope = "controls"

    @extend_schema(operation_id="resume_requests", responses=schema.ProposalLineSerializer(many=True))
    def get(self, request: Request) -> Response:
        lines = [line for found in control_proposals(_now()).values() for line in found]
        return Response(schema.ProposalLineSerializer(lines, many=True).data)

    @extend_schema(
        operation_id="ask_to_resume",
        parameters=[IDEMPOTENCY_KEY],
        request=ResumeAskSerializer,
        responses={200: schema.ProposalSerializer, **_ERRORS},
    )
    def post(self, request: Request) -> Response:
        data = _valid(ResumeAskSerializer, request)
        change = {"scope": data["scope"], "rule": data["rule"]}

        def work(key: str, now: datetime) -> Proposal:
            return drafting.propose(
                request.user, "control", None, change, data["reason"], key=key, now=now, submit_at_once=True
            )

        return _done(request, work)


class Inbox(Staff, APIView):
    """What waits for you."""

    @extend_schema(operation_id="review_inbox", responses=schema.InboxSerializer)
    def get(self, request: Request) -> Response:
        return Response(schema.InboxSerializer(inbox(request.user, _now())).data)


class OneProposal(Staff, APIView):
    """Everything about one proposal; and other content for it, which voids votes and preview."""

    @extend_schema(operation_id="proposal", responses={200: schema.DetailSerializer, **_ERRORS})
    def get(self, request: Request, proposal_id: int) -> Response:
        now = _now()
        try:
            story = proposal_story(proposal_id, now)
        except ReviewRefused as problem:
            raise _refused(problem) from problem
        shown = buttons_for(request.user, story.proposal, now).shown
        fields = ("proposal", "diff", "votes", "approvals", "may_still_vote", "countdown", "is_stale", "rivals")
        body = {name: getattr(story, name) for name in fields}
        preview = story.preview.body if story.preview else None
        return Response(schema.DetailSerializer(body | {"preview": preview, "actions": shown}).data)

    @extend_schema(
        operation_id="edit_proposal",
        parameters=[IDEMPOTENCY_KEY],
        request=schema.EditSerializer,
        responses={200: schema.ProposalSerializer, **_ERRORS},
    )
    def put(self, request: Request, proposal_id: int) -> Response:
        data = _valid(schema.EditSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            for kind, change in Proposal.objects.filter(pk=proposal_id).values_list("kind", "change"):
                refuse_if_own_door(kind, change)
                refuse_if_own_door(kind, data["change"])
            return drafting.edit(request.user, proposal_id, data["change"], data["reason"], key=key, now=now)

        return _done(request, work)


class Story(Staff, APIView):
    """The whole story for whoever audits it."""

    @extend_schema(operation_id="proposal_story", responses={200: schema.StorySerializer, **_ERRORS})
    def get(self, request: Request, proposal_id: int) -> Response:
        try:
            return Response(export_story(proposal_id))
        except ReviewRefused as problem:
            raise _refused(problem) from problem


class _Command(Staff, APIView):
    """A verb on one proposal."""

    throttle_scope = "controls"


def _described(name: str, body: Any) -> Any:
    return extend_schema(
        operation_id=name,
        parameters=[IDEMPOTENCY_KEY],
        request=body,
        responses={200: schema.ProposalSerializer, **_ERRORS},
    )


class MakePreview(_Command):
    """Compute the preview of an own draft."""

    @_described("preview_proposal", None)
    def post(self, request: Request, proposal_id: int) -> Response:
        return _done(request, lambda key, now: previewing.attach_preview(request.user, proposal_id, key=key, now=now))


class Submit(_Command):
    """Into review."""

    @_described("submit_proposal", None)
    def post(self, request: Request, proposal_id: int) -> Response:
        return _done(request, lambda key, now: drafting.submit(request.user, proposal_id, key=key, now=now))


class ApplyAtOnce(_Command):
    """Apply an own draft that only makes things safer; closing an account and taking a role
    away need a second factor, and are no program's."""

    @_described("apply_at_once", schema.ProofSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        data = _valid(schema.ProofSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            proposal = _for_a_person(request, proposal_id, STEP_UP_AT_ONCE)
            return apply_at_once_with_proof(request.user, proposal, data, key=key, now=now)

        return _done(request, work)


class CastVote(_Command):
    """Approve, reject or request changes; never with a token for programs."""

    @_described("vote", schema.VoteSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        data = _valid(schema.VoteSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            return vote_with_proof(
                request.user, _for_a_person(request, proposal_id), data["choice"], data["content_hash"], data["reason"], data,
                key=key, now=now,
            )  # fmt: skip

        return _done(request, work)


class Reviewed(_Command):
    """Say that you looked at a change that was applied at once; never with a token for programs."""

    @_described("review_afterwards", schema.ReviewedSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        data = _valid(schema.ReviewedSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            proposal = _for_a_person(request, proposal_id)
            return review_with_proof(request.user, proposal, data["reason"], data, key=key, now=now)

        return _done(request, work)


class Withdraw(_Command):
    """Take an own proposal back."""

    @_described("withdraw_proposal", schema.ReasonSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        reason = _valid(schema.ReasonSerializer, request)["reason"]
        return _done(request, lambda key, now: drafting.withdraw(request.user, proposal_id, reason, key=key, now=now))


class Cancel(_Command):
    """Stop any open proposal, as the guardian."""

    @_described("cancel_proposal", schema.ReasonSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        reason = _valid(schema.ReasonSerializer, request)["reason"]
        return _done(request, lambda key, now: applying.cancel(request.user, proposal_id, reason, key=key, now=now))


class Schedule(_Command):
    """Let an approved change wait until a later time."""

    @_described("schedule_proposal", schema.ScheduleSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        at = _valid(schema.ScheduleSerializer, request)["at"]
        return _done(request, lambda key, now: applying.schedule(request.user, proposal_id, at, key=key, now=now))


class Comment(_Command):
    """Write in the discussion."""

    @_described("comment_proposal", schema.CommentSerializer)
    def post(self, request: Request, proposal_id: int) -> Response:
        text = _valid(schema.CommentSerializer, request)["text"]
        return _done(request, lambda key, now: drafting.comment(request.user, proposal_id, text, key=key, now=now))


class RollBack(_Command):
    """A draft back to a version of a market's parameters."""

    @_described("roll_back", schema.RollBackSerializer)
    def post(self, request: Request) -> Response:
        data = _valid(schema.RollBackSerializer, request)

        def work(key: str, now: datetime) -> Proposal:
            return rollback.roll_back(request.user, data["market"], data["version"], data["reason"], key=key, now=now)

        return _done(request, work)


def _done(request: Request, work: Callable[[str, datetime], Proposal]) -> Response:
    """The proposal after the command. Raises `Refused`."""
    key = key_of(request)
    try:
        return Response(schema.ProposalSerializer(work(key, _now())).data)
    except ReviewRefused as problem:
        raise _refused(problem) from problem


def _for_a_person(request: Request, proposal_id: int, kinds: Container[str] = KINDS) -> Proposal:
    """Raises `ReviewRefused` where a program asks about one of these kinds, or there is no such proposal."""
    found = Proposal.objects.filter(pk=proposal_id).first()
    if request.auth == "token" and (found is None or found.kind in kinds):
        raise ReviewRefused("token", "a person does this, signed in on the portal; a token for programs cannot")
    if found is None:
        raise ReviewRefused("unknown", "there is no such proposal")
    return found


def _valid(serializer: Any, request: Request) -> dict[str, Any]:
    found = serializer(data=request.data)
    found.is_valid(raise_exception=True)
    data: dict[str, Any] = found.validated_data
    return data


def _refused(problem: ReviewRefused) -> Refused:
    return Refused(str(problem), problem.code, _STATUS.get(problem.code, 409))


def _now() -> datetime:
    return datetime.now(UTC)
