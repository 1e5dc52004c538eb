"""The page as a Django app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Templates and static files; no models."""

    name = "ui.web"
    label = "web"
