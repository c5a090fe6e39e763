"""The API of one's own data: take it along, take it away."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import logout
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema import audit
from cinema.api import MeView
from cinema.api_fields import StrictTextField, signed_in, throttle
from cinema.mydata import accounts
from cinema.mydata.export import export_document
from cinema.problems import Problem


class DeleteAccountInput(serializers.Serializer[Any]):
    username = StrictTextField(max_length=150, trim_whitespace=False)
    password = StrictTextField(max_length=4096, trim_whitespace=False)


class AccountView(MeView):
    """Who I am, what I chose for my lists, and the way out."""

    @extend_schema(
        request=DeleteAccountInput, responses={204: OpenApiResponse(description="There is no such account any more.")}
    )
    def delete(self, request: Request) -> Response:
        """Delete one's own account, with all ratings, at once and for good. The body confirms it:
        ``{"username": …, "password": …}``. 409 for the last active superuser."""
        user = signed_in(request)
        throttle("delete-account", str(user.pk))
        data = DeleteAccountInput(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            accounts.confirm_deletion(user=user, **data.validated_data)
            accounts.delete_account(user=user)
        except accounts.NotConfirmed as error:
            raise serializers.ValidationError({name: [text] for name, text in error.errors.items()}) from error
        except accounts.LastSuperuser as error:
            raise Problem(status=409, code="last_superuser", detail=str(error.message)) from error
        logout(request._request)  # a session that was used for this ends in the browser too
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExportView(APIView):
    """All that is mine."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Everything in one document: ``format``, ``version``, ``exported_at``, ``account`` and a list per table."""
        user = signed_in(request)
        throttle("export", str(user.pk))
        audit.record(audit.Action.EXPORT, actor=user, subject="JSON")
        return Response(export_document(user), headers={"Cache-Control": "private, no-store"})
