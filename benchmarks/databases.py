"""An empty database to measure on, never the one that a site uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
# They make numpy's linear algebra slow where they name another processor than the one that is there.
MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def database_kind() -> str:
    return "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"


@contextmanager
def own_database(folder: Path, *, sqlite: bool = False) -> Iterator[dict[str, str]]:
    """The environment of a site in ``folder`` with a database of its own, which is gone afterwards: a file in there, or
    one beside that of DATABASE_URL unless ``sqlite``."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    environment |= {"DJANGO_SETTINGS_MODULE": "cinema.settings", "CINEMA_VAR": str(folder), "PYTHONPATH": str(ROOT)}
    environment["DATABASE_URL"] = ""
    url = os.environ.get("DATABASE_URL", "")
    if sqlite or not url:
        yield environment
        return
    import psycopg
    from psycopg import sql

    name = f"cinema_bench_{os.getpid()}"
    quoted = sql.Identifier(name)
    parts = urlsplit(url)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted)
    with psycopg.connect(urlunsplit(parts._replace(scheme="postgresql")), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        try:
            yield {**environment, "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}
        finally:
            connection.execute(drop)
