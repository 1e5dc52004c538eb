"""Addresses of REST."""

from django.urls import include, path

from storage.api import docs, health, token

v1 = [
    path("token", token.TokenView.as_view(), name="token"),
]
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("api/schema", docs.SchemaView.as_view(), name="schema"),
    path("api/docs/", docs.SwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(v1)),
]
