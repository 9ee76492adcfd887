"""The public API of documents: the list, and each version with everything needed to check its hash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from dcmm_portal.api_errors import ErrorSerializer
from disclosures.api.door import PublicView
from disclosures.documents.publishing import address_of
from disclosures.documents.selectors import Published, published, shelves
from governance.review.errors import ReviewRefused


class NoticeSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="withdrawal or correction.")
    at = serializers.DateTimeField()
    text = serializers.DictField(child=serializers.CharField(), help_text="By language: en, dv.")


class DisclosureSerializer(serializers.Serializer[Any]):
    """One version. Times are UTC."""

    kind = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.CharField(help_text="in_force, superseded, withdrawn, expired.")
    title = serializers.DictField(child=serializers.CharField(), help_text="By language: en, dv.")
    sha256 = serializers.CharField(help_text="Of the bytes of `content`.")
    published_at = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    review_due_on = serializers.DateField()
    authorised_by = serializers.CharField(help_text="The approved proposal.")
    address = serializers.CharField(help_text="Permanent address of the version.")
    notices = NoticeSerializer(many=True)


class DisclosureTextSerializer(DisclosureSerializer):
    content = serializers.CharField(
        allow_null=True, help_text="Canonical JSON whose SHA-256 is `sha256`; null of a withdrawn version."
    )


class PublicDisclosures(PublicView):
    """The newest version of every document that was ever published."""

    @extend_schema(operation_id="public_disclosures", responses=DisclosureSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = [shelf.newest for shelf in shelves(datetime.now(UTC)) if shelf.newest is not None]
        return Response([_told(one) for one in found])


class PublicDisclosure(PublicView):
    """One version, with the very text that its hash is of."""

    @extend_schema(operation_id="public_disclosure", responses={200: DisclosureTextSerializer, 404: ErrorSerializer})
    def get(self, request: Request, kind: str, version: int) -> Response:
        try:
            found = published(kind, version, datetime.now(UTC))
        except ReviewRefused as problem:
            raise NotFound(str(problem), problem.code) from problem
        return Response(_told(found) | {"content": found.row.content if found.is_readable else None})


def _told(found: Published) -> dict[str, Any]:
    row = found.row
    return {
        "kind": row.kind,
        "version": row.version,
        "state": found.state,
        "title": found.content["title"],
        "sha256": row.sha256,
        "published_at": row.published_at,
        "effective_until": row.effective_until,
        "review_due_on": row.review_due_on,
        "authorised_by": row.authorised_by,
        "address": address_of(row.kind, row.version),
        "notices": [
            {"what": str(one.what), "at": one.at, "text": {"en": one.text_en, "dv": one.text_dv}}
            for one in row.notices.all()
        ],
    }
