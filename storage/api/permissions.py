"""Roles at the web: everybody who is logged in may read; the audit is for operators."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


class IsOperator(BasePermission):
    """A member of the group `operator`."""

    message = "This needs the role operator."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """One query, and only here."""
        user = request.user
        return bool(user.is_authenticated and (user.is_superuser or user.groups.filter(name="operator").exists()))
