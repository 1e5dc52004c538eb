"""The schema and Swagger's page, from here alone and without anything inline."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer


class SchemaView(SpectacularAPIView):
    """OpenAPI of everything under /api/v1/, for those who are logged in."""


class SwaggerView(SpectacularSwaggerSplitView):
    """Its template has no inline style, which the content security policy would refuse."""

    renderer_classes = (TemplateHTMLRenderer,)
    template_name = "api/swagger.html"
