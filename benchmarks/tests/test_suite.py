"""What runs, what is kept of earlier runs, and what happens when a benchmark fails."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from django.test import SimpleTestCase

from benchmarks import suite


class SuiteTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.var = Path(folder.name)
        for patch in (
            mock.patch.dict("os.environ", {"CINEMA_VAR": folder.name}),
            mock.patch.object(suite, "say"),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def kept(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.var / "benchmarks" / "speed.json").read_text())
        return told["benchmarks"]

    def sampled(self, faster: float) -> dict[str, Any]:
        one = {"ratings": 10, "seconds_per_sweep": {}, "faster_with_two": faster, "same_bits": True}
        return {"figures": {"ml-100k": one}}

    def test_one_that_fails_leaves_the_others_and_is_told(self) -> None:
        outcomes = [{"failed": "MemoryError"}, self.sampled(1.8)]
        with mock.patch.object(suite, "run", side_effect=outcomes):
            self.assertEqual(suite.main(["--only", "training", "sampler"]), 1)
        kept = self.kept()
        self.assertEqual(kept["training"]["failed"], "MemoryError")
        self.assertEqual(kept["sampler"]["figures"]["ml-100k"]["faster_with_two"], 1.8)
        self.assertIn("MemoryError", (self.var / "benchmarks" / "benchmarks.md").read_text())

    def test_what_is_not_run_again_stays(self) -> None:
        with mock.patch.object(suite, "run", return_value=self.sampled(1.8)):
            self.assertEqual(suite.main(["--only", "sampler"]), 0)
        with mock.patch.object(suite, "run", return_value={"failed": "no"}):
            suite.main(["--only", "training"])
        self.assertEqual(set(self.kept()), {"sampler", "training"})

    def test_growth_keeps_each_size_of_each_database(self) -> None:
        before = {"figures": {"SQLite": {"100000": 1, "10000000": 2}, "PostgreSQL": {"100000": 3}}}
        now = {"figures": {"SQLite": {"100000": 4}}}
        self.assertEqual(
            suite.merged("growth", before, now)["figures"],
            {"SQLite": {"100000": 4, "10000000": 2}, "PostgreSQL": {"100000": 3}},
        )
        self.assertEqual(suite.merged("growth", before, {"failed": "no"}), {**before, "failed": "no"})
        self.assertEqual(suite.merged("sampler", before, now), now)

    def test_it_asks_growth_for_as_much_as_was_asked_for(self) -> None:
        with mock.patch.object(suite, "run", return_value={"failed": "no"}) as run:
            suite.main(["--only", "growth", "--growth", "25"])
        run.assert_called_once_with("growth", {"quick": False, "upto": 25.0})

    def test_a_quick_run_leaves_out_what_takes_long_unless_it_is_named(self) -> None:
        self.assertNotIn("coldstart", suite.chosen([], quick=True))
        self.assertIn("coldstart", suite.chosen([], quick=False))
        self.assertEqual(suite.chosen(["coldstart"], quick=True), ["coldstart"])

    def test_a_benchmark_dies_in_a_process_of_its_own(self) -> None:
        with mock.patch.object(suite.sys, "stderr"):
            outcome = suite.run("nothing_of_that_name", {"quick": True})
        self.assertIn("No module named 'benchmarks.nothing_of_that_name'", outcome["failed"])

    def test_a_failure_names_no_path_of_this_machine(self) -> None:
        finished = mock.Mock(returncode=1, stderr=f"OSError: {suite.ROOT}/var: no space\n")
        with mock.patch.object(suite.subprocess, "run", return_value=finished), mock.patch.object(suite.sys, "stderr"):
            self.assertEqual(suite.run("training", {})["failed"], "OSError: ./var: no space")

    def test_one_that_dies_without_a_word_is_told_too(self) -> None:
        with mock.patch.object(suite.subprocess, "run", return_value=mock.Mock(returncode=-9, stderr="")):
            self.assertEqual(suite.run("training", {})["failed"], "It ended with -9 and said nothing.")
