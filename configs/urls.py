"""Every address of the web process."""

from django.urls import include, path

urlpatterns = [
    path("", include("ui.web.urls")),
    path("", include("storage.api.urls")),
]
handler404 = "ui.web.views.not_found"
handler500 = "ui.web.views.server_error"
