"""``manage.py reset_link NAME``: a link with which somebody who forgot the password chooses a new one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cinema.passwords import NoSuchAccount, account_named, reset_path


class Command(BaseCommand):
    help = "Prints a link with which an account gets a new password. It works once and for a day. No mail is sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="user name of the account")
        parser.add_argument("--site", default="http://localhost:5000", help="address of the site, to print it whole")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = account_named(options["name"])
        except NoSuchAccount as error:
            raise CommandError(f"Nobody named {options['name']} can sign in here.") from error
        self.stdout.write(options["site"].rstrip("/") + reset_path(account, operator=None))
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stderr.write(f"Hand it to {account} alone. It works once, within {hours} hours.")
