"""Measured rows on disk, so that what is finished need not be computed again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from recommender.benchmarks.rows import ROWS, Row

FORMAT = 1

Measured = dict[str, dict[str, Any]]  # by the row's name


class Results:
    """One JSON file, written whole after each row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: dict[str, Any] = {"format": FORMAT, "datasets": {}}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except ValueError as error:
            raise SystemExit(f"{path} is not readable: delete it to begin anew. ({error})") from error
        if isinstance(found, dict) and found.get("format") == FORMAT:
            self._content = found

    def datasets(self) -> list[str]:
        """Names of those with a measured row."""
        return [name for name in self._content["datasets"] if self.measured(name)]

    def about(self, dataset: str) -> dict[str, Any]:
        about: dict[str, Any] = self._content["datasets"].get(dataset, {}).get("about", {})
        return about

    def open(self, dataset: str, about: dict[str, Any]) -> None:
        """``about`` has the data set's fingerprint; rows of other data under the same name are forgotten."""
        if self.about(dataset).get("fingerprint") != about["fingerprint"]:
            self._content["datasets"][dataset] = {"rows": {}}
        self._content["datasets"][dataset]["about"] = about

    def measured(self, dataset: str) -> Measured:
        """Finished rows, in the order in which they are listed, without those of another code, library or setting."""
        rows = self._content["datasets"].get(dataset, {}).get("rows", {})
        return {row.name: rows[row.name] for row in ROWS if self._holds(dataset, row, rows.get(row.name))}

    def _holds(self, dataset: str, row: Row, entry: dict[str, Any] | None) -> bool:
        if entry is None or entry["identity"] != self._identity(dataset, row):
            return False
        # What cannot be measured here stands as it was measured.
        return bool(row.missing()) or entry["versions"] == row.versions()

    def put(self, dataset: str, row: Row, figures: dict[str, Any]) -> None:
        entry = {
            **figures,
            "title": row.title,
            "task": row.task,
            "ours": row.is_ours,
            "identity": self._identity(dataset, row),
            "versions": row.versions(),
        }
        self._content["datasets"][dataset]["rows"][row.name] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(self._content, indent=1), encoding="utf-8")
        os.replace(unfinished, self._path)

    def _identity(self, dataset: str, row: Row) -> str:
        return row.identity(self.about(dataset).get("fingerprint", ""))
