"""`manage.py adduser NAME --role viewer`: a user with a role."""

from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

ROLES = ("viewer", "trader", "operator")


class Command(BaseCommand):
    """The password is asked for, never given on the command line."""

    help = "Add a user with a role; asks for the password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and role."""
        parser.add_argument("name")
        parser.add_argument("--role", choices=ROLES, default="viewer")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError says what to change."""
        name = options["name"]
        if User.objects.filter(username=name).exists():
            raise CommandError(f"there is a user {name!r} already; changepassword {name} gives it another password")
        password = getpass.getpass("Password (at least 12 characters): ")
        user = User(username=name)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        user.save()
        user.groups.set([Group.objects.get_or_create(name=options["role"])[0]])
        self.stdout.write(f"{name} is a {options['role']} now")
