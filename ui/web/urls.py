"""Addresses of the page."""

from django.contrib.auth import views as auth
from django.urls import path

from ui.web import views

urlpatterns = [
    path("", views.page, name="page"),
    path("live", views.live, name="live"),
    path("live/snapshot", views.snapshot, name="snapshot"),
    path(
        "login", auth.LoginView.as_view(template_name="web/login.html", redirect_authenticated_user=True), name="login"
    ),
    path("logout", auth.LogoutView.as_view(), name="logout"),
    path(
        "password",
        auth.PasswordChangeView.as_view(template_name="web/password.html", success_url="/"),
        name="password",
    ),
]
