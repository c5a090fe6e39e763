"""A consistent copy of the database while people write to it, with what a backup must know of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

SQLITE_FILE = "database.sqlite3"
POSTGRES_FILE = "database.pgdump"
FILES = {"sqlite": SQLITE_FILE, "postgresql": POSTGRES_FILE}
LOCK_SECONDS = 15.0
MAINTENANCE = "postgres"  # the database to stand in while others are made and renamed

Rows = Callable[[str], list[tuple[Any, ...]]]


class CopyFailed(Exception):
    """The database could not be copied or filled; the message says why, without a password."""


@dataclass(frozen=True)
class DatabaseCopy:
    """A copy and what stands in that very copy."""

    path: Path
    vendor: str
    migrations: list[list[str]]  # [app, name], as applied
    counts: dict[str, int]
    versions: dict[str, str]  # ready versions: label → sha256 of the artifact's manifest


def take(folder: Path) -> DatabaseCopy:
    """Copies this site's database into ``folder``. Writers go on meanwhile. Raises CopyFailed."""
    if connection.vendor == "sqlite":
        return _copy_sqlite(Path(connection.settings_dict["NAME"]), folder / SQLITE_FILE)
    return _dump_postgres(folder / POSTGRES_FILE)


def _facts(path: Path, vendor: str, rows: Rows) -> DatabaseCopy:
    tables = {
        "users": "SELECT COUNT(*) FROM cinema_user",
        "movies": "SELECT COUNT(*) FROM cinema_movie",
        "ratings": "SELECT COUNT(*) FROM cinema_rating",
    }
    return DatabaseCopy(
        path=path,
        vendor=vendor,
        migrations=[[app, name] for app, name in rows("SELECT app, name FROM django_migrations ORDER BY app, name")],
        counts={name: int(rows(query)[0][0]) for name, query in tables.items()},
        versions=dict(rows("SELECT label, artifact_sha256 FROM recommender_modelversion WHERE status = 'ready'")),
    )


def _copy_sqlite(source: Path, target: Path) -> DatabaseCopy:
    try:
        with (
            closing(sqlite3.connect(sqlite_url(source), uri=True, timeout=LOCK_SECONDS)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            # All pages in one step, so under one lock for reading: one moment of the database. Under WAL nobody waits.
            live.backup(copy)
            # One file, with nothing beside it that would have to travel along.
            copy.execute("PRAGMA journal_mode = DELETE")
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise CopyFailed(f"The database is damaged: {found}")
            return _facts(target, "sqlite", lambda query: copy.execute(query).fetchall())
    except sqlite3.Error as error:
        raise CopyFailed(f"The database cannot be copied: {error}") from error


def sqlite_url(path: Path) -> str:
    """For sqlite3.connect, so that a database that is not there is an error and not a new file."""
    return f"file:{quote(str(path))}?mode=rw"


def _dump_postgres(target: Path) -> DatabaseCopy:
    tool = postgres_tool("pg_dump")
    name = str(connection.settings_dict["NAME"])
    try:
        with postgres(name) as session:
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            # pg_dump and our own questions see the same moment.
            snapshot = session.execute("SELECT pg_export_snapshot()").fetchall()[0][0]
            copy = _facts(target, "postgresql", lambda query: session.execute(query.encode()).fetchall())
            arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            run_postgres_tool([tool, *arguments, f"--file={target}", f"--dbname={conninfo(name)}"])
            return copy
    except psycopg.Error as error:
        raise CopyFailed(f"The database cannot be copied: {str(error).strip()}") from error


def postgres_tool(name: str) -> str:
    """The path of one of PostgreSQL's programs. Raises CopyFailed where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise CopyFailed(
            f"{name} is not there. Install PostgreSQL's client programs, not older than the server "
            "(Debian and Ubuntu: apt install postgresql-client)."
        )
    return found


def run_postgres_tool(argv: Sequence[str]) -> None:
    """Runs one of PostgreSQL's programs. The password goes through the environment, which other people cannot read."""
    environment = dict(os.environ)
    if password := connection.settings_dict["PASSWORD"]:
        environment["PGPASSWORD"] = password
    outcome = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if outcome.returncode != 0:
        said = outcome.stderr.strip().splitlines() or [f"exit code {outcome.returncode}"]
        raise CopyFailed(f"{Path(argv[0]).name} failed: {' '.join(said[:4])}")


def conninfo(database: str) -> str:
    """How the settings reach ``database``, less passwords: it stands where every user of the machine may read it."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    parameters = connection.settings_dict
    # Our own limit for locks is for people who wait for an answer.
    words = {key: value for key, value in parameters["OPTIONS"].items() if key in known and key != "options"}
    words |= {"host": parameters["HOST"], "port": parameters["PORT"], "user": parameters["USER"], "dbname": database}
    return make_conninfo(**{key: value for key, value in words.items() if value and "password" not in key})


def postgres(database: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection beside Django's. Raises psycopg.Error."""
    password = connection.settings_dict["PASSWORD"] or None
    return psycopg.connect(conninfo(database), password=password, autocommit=autocommit)


def is_empty_postgres(database: str) -> bool:
    """Whether nobody has made a table there. Raises CopyFailed."""
    query = "SELECT NOT EXISTS (SELECT FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))"
    with _asking(database) as session:
        return bool(session.execute(query).fetchall()[0][0])


def fill_postgres(database: str, like: str, dump: Path) -> None:
    """Makes ``database``, with the letters and order of ``like``, and fills it from a dump. Raises CopyFailed.

    What is half filled is dropped.
    """
    tool = postgres_tool("pg_restore")
    with _asking(MAINTENANCE, autocommit=True) as session:
        encoding, collate, ctype = session.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s", [like]
        ).fetchall()[0]
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
                sql.Identifier(database), sql.Literal(encoding), sql.Literal(collate), sql.Literal(ctype)
            )
        )
    try:
        arguments = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
        run_postgres_tool([tool, *arguments, f"--dbname={conninfo(database)}", str(dump)])
    except BaseException:
        drop_postgres(database)
        raise


def drop_postgres(database: str) -> None:
    """Raises CopyFailed."""
    with _asking(MAINTENANCE, autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(database)))


def rename_databases(new: str, place: str, aside: str) -> None:
    """Gives ``new`` the name ``place`` and what had it the name ``aside``, both or neither. Raises CopyFailed.

    Nothing happens if there is no ``new`` any more: it was done before.
    """
    with _asking(MAINTENANCE) as session:
        there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
        if not session.execute(there, [new]).fetchall()[0][0]:
            return
        refuse_if_used(session, place)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        if session.execute(there, [place]).fetchall()[0][0]:
            session.execute(rename.format(sql.Identifier(place), sql.Identifier(aside)))
        session.execute(rename.format(sql.Identifier(new), sql.Identifier(place)))


def refuse_if_used(session: psycopg.Connection, database: str) -> None:
    """Raises CopyFailed if anybody else is connected to ``database``, from this host or another."""
    query = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    if others := session.execute(query, [database]).fetchall()[0][0]:
        raise CopyFailed(f"{others} connection(s) use the database. Stop the site on every host first.")


def check_unused_postgres(database: str) -> None:
    """``refuse_if_used``, asked from outside. Raises CopyFailed."""
    with _asking(MAINTENANCE) as session:
        refuse_if_used(session, database)


@contextmanager
def _asking(database: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    try:
        with postgres(database, autocommit=autocommit) as session:
            yield session
    except psycopg.errors.InsufficientPrivilege as error:
        raise CopyFailed(
            "The database's role may not create databases, which a restore needs in order to keep the old one: "
            f"ALTER ROLE … CREATEDB. ({str(error).strip()})"
        ) from error
    except psycopg.Error as error:
        raise CopyFailed(f"The database's server refused: {str(error).strip()}") from error
