"""Who is logged in, also while PostgreSQL is away: the page reads live streams and needs no table."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.db import OperationalError


class RememberingBackend(ModelBackend):
    """Django's own check of names and passwords; a user seen before is still known when PostgreSQL is away."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """The user as the database has him now, else as it had him last; logins themselves always ask it."""
        key = f"user:{user_id}"
        try:
            user = super().get_user(user_id)
        except OperationalError:
            user = cache.get(key)
            if user is None:
                raise
            return user
        cache.set(key, user, timeout=8 * 3600) if user is not None else cache.delete(key)
        return user
