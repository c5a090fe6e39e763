"""What one person writes is written one after the other, in whatever processes their requests arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import connection

from cinema.durability import durable
from cinema.models import User, new_edition

# Whoever writes holds up all others on SQLite, so this is a statement that is not composed anew. Our own table.
_CHANGE = f'UPDATE "{User._meta.db_table}" SET edition = %s WHERE id = %s'  # nosec B608


class AccountGone(PermissionDenied):
    """The account was deleted while its request was under way."""


@contextmanager
def person_lock(user: User) -> Iterator[None]:
    """A transaction in which nobody else writes as ``user``; they are another edition afterwards. Raises AccountGone.

    Without it a row that one request finds and another deletes meanwhile would be an error of the database. SQLite's
    IMMEDIATE transactions exclude each other already; on PostgreSQL changing the person's row locks it, without its
    key, so that rows that refer to it can be written meanwhile.
    """
    edition = new_edition()
    with durable():
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE, [edition, user.pk])
            if not cursor.rowcount:
                raise AccountGone
        yield
    user.edition = edition
