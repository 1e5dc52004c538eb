"""A token for scripts: made with name and password, one a user, taken away by its owner."""

from __future__ import annotations

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView


class TokenView(APIView):
    """POST makes (or tells) the token of a user; DELETE ends it."""

    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "login"

    @extend_schema_serializer(component_name="TokenRequest")
    class InputSerializer(serializers.Serializer[object]):
        username = serializers.CharField()
        password = serializers.CharField(trim_whitespace=False)

    @extend_schema_serializer(component_name="Token")
    class OutputSerializer(serializers.Serializer[object]):
        token = serializers.CharField()

    def get_permissions(self) -> list[AllowAny | IsAuthenticated]:
        """Whoever has no token yet comes with a password."""
        return [AllowAny()] if self.request.method == "POST" else [IsAuthenticated()]

    @extend_schema(request=InputSerializer, responses=OutputSerializer, auth=[], tags=["token"])
    def post(self, request: Request) -> Response:
        """Five wrong passwords for a name from an address: 429 for 15 minutes."""
        given = self.InputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        plain = request._request
        user = authenticate(plain, **given.validated_data)
        if user is None:
            raise AuthenticationFailed("Name or password is wrong.")  # a locked name: axes answers 429 instead
        token, _ = Token.objects.get_or_create(user=user)
        return Response({"token": token.key})

    @extend_schema(request=None, responses={204: None}, tags=["token"])
    def delete(self, request: Request) -> Response:
        """The token is worthless from now on."""
        Token.objects.filter(user=request.user).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
