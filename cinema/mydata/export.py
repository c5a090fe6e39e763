"""Everything that belongs to a person, as one JSON document or as a ZIP of CSV files."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from django.utils import timezone

from cinema.models import User
from cinema.mydata.own_rows import OWN_TABLES, account_of
from cinema.spreadsheets import csv_file

FORMAT = "cinema-export"
VERSION = 1


def export_document(user: User) -> dict[str, Any]:
    """``{"format", "version", "exported_at", "account", …}`` and one list per table of OWN_TABLES; values are those of
    JSON, times are ISO 8601 in UTC."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(),
        "account": _as_json(account_of(user)),
        **{table.name: [_as_json(row) for row in table.rows_of(user)] for table in OWN_TABLES},
    }


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def export_zip(user: User) -> bytes:
    """A ZIP with account.csv and one file per table. UTF-8 with a byte order mark, without which some spreadsheets take
    it for another encoding."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        account = account_of(user)
        archive.writestr("account.csv", csv_file(list(account), [account]))
        for table in OWN_TABLES:
            archive.writestr(f"{table.name}.csv", csv_file(list(table.fields), table.rows_of(user)))
    return buffer.getvalue()
