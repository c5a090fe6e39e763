"""The page and its plots from figures that are given, and the verdicts on the targets."""

from __future__ import annotations

import copy
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from django.test import SimpleTestCase

from benchmarks import report
from benchmarks.targets import verdicts

MACHINE = {
    "processor": "A Processor of Note", "cores": 2, "memory_gib": 8.0, "vectors": "AVX2", "system": "Linux x86_64",
    "python": "3.11.7", "libraries": {"numpy": "2.4.6"},
}  # fmt: skip


def of(figures: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"figures": figures, "quick": False, "seconds": 1.0, "machine": {**MACHINE}, **more}


def training(libmf: float = 40.0) -> dict[str, Any]:
    return {
        "ratings": 95_445,
        "ns_per_update": {"ours, 1 thread": 10.0, "ours, 2 threads": 8.0, "Surprise SVD": 150.0, "LIBMF": libmf},
        "times_ours": {"ours, 1 thread": 1.0, "ours, 2 threads": 0.8, "Surprise SVD": 15.0, "LIBMF": libmf / 10},
        "faster_with_two": 1.25,
        "machine_with_two": 1.875,
        "order_ns_per_rating": 20.0,
        "order_of_kernel": 0.1,
        "libmf_uses_avx": True,
    }


def growth(n: int, bytes_per_rating: float) -> dict[str, Any]:
    return {
        "ratings": n,
        "import": {"seconds": n / 2e5, "rows_per_second": 200_000, "ratings_per_second": 250_000, "peak_mib": 60.0},
        "import_into_serving": {
            "rows_per_second": 60_000, "longest_wait_ms": 1_200.0, "p95_wait_ms": 80.0, "ratings_per_second": 65_000,
        },
        "train": {
            "seconds": n / 1e6, "read_seconds": 1.0, "order_seconds": 0.2, "epoch_seconds": 0.3, "peak_mib": 30.0,
            "factors_mib": 5.0, "bytes_per_rating": bytes_per_rating,
        },
    }  # fmt: skip


TOLD: dict[str, Any] = {
    "benchmarks": {
        "training": of({"ml-100k": training(), "ml-1m": {**training(), "ratings": 995_550, "faster_with_two": 1.5}}),
        "sampler": of(
            {
                "ml-1m": {
                    "ratings": 995_550,
                    "seconds_per_sweep": {"1 thread": 0.3, "2 threads": 0.2},
                    "faster_with_two": 1.5,
                    "same_bits": True,
                }
            }
        ),
        "serving": of(
            {
                "bare view": {"of_bare": 1.0, "per_second": 900.0, "p50_ms": 7.0, "p95_ms": 9.0, "p99_ms": 12.0},
                "recommendations, warm": {
                    "of_bare": 0.7, "per_second": 630.0, "p50_ms": 9.0, "p95_ms": 20.0, "p99_ms": 51.0,
                },
            }
        ),
        "growth": of({"SQLite": {"100000": growth(95_445, 120.0), "10000000": growth(9_900_000, 35.0)}}),
        "million": of(
            {
                "every film ranked": {
                    "films": 1_000_000, "ms": {"shortlist": 10.0, "every film": 200.0},
                    "ms_slowest": {"shortlist": 21.0, "every film": 300.0}, "lists_the_same": "8 of 8",
                }
            }
        ),
    }
}  # fmt: skip


class SpeedReportTestCase(SimpleTestCase):
    def words(self, told: dict[str, Any]) -> dict[str, str]:
        return {one.target.title: one.word for one in verdicts(report.figures_of(told))}

    def test_it_says_which_targets_are_met(self) -> None:
        words = self.words(TOLD)
        self.assertEqual(words["SGD update, one core: Surprise's time ÷ ours"], "met")
        self.assertEqual(words["SGD with two threads, a million ratings"], "met")
        self.assertEqual(words["Bayesian sampler with two threads"], "not met")
        self.assertEqual(words["recommendations, warm ÷ bare view"], "met")
        self.assertEqual(words["recommendations, warm: p99 at eight clients"], "not met")
        self.assertEqual(words["recommendations after a rating ÷ bare view"], "not measured")

    def test_targets_for_growth_are_judged_by_the_largest_set(self) -> None:
        words = self.words(TOLD)
        self.assertEqual(words["training, bytes a rating above the factors, SQLite, large set"], "met")
        self.assertEqual(words["longest wait of a writer meanwhile, SQLite, large set"], "not met")
        self.assertEqual(words["import into an empty database, PostgreSQL, large set"], "not measured")

    def test_targets_for_growth_do_not_speak_of_small_sets(self) -> None:
        told = copy.deepcopy(TOLD)
        del told["benchmarks"]["growth"]["figures"]["SQLite"]["10000000"]
        self.assertEqual(
            self.words(told)["training, bytes a rating above the factors, SQLite, large set"], "not measured"
        )

    def test_the_page_has_ratios_before_times(self) -> None:
        text = report.page(TOLD)
        self.assertIn("| 95,445 ratings: Surprise SVD | 15.00 | 150.0 |", text)
        self.assertIn("| recommendations, warm | 0.70 | 630 | 9.0 | 20.0 | 51.0 |", text)
        self.assertIn("A Processor of Note, 2 cores", text)
        self.assertIn("| every film ranked, 1,000,000 films: shortlist | 20.0 | 10.0 | 21.0 |", text)
        self.assertNotIn("quick run", text)

    def test_it_says_what_a_second_thread_gains_on_the_machine_at_all(self) -> None:
        page = report.page(TOLD)
        self.assertIn("products of small matrices did 1.88 and 1.88 × what one did", page)
        self.assertEqual(page.count("small matrices"), 1, "the sampler is of a run that did not measure it")

    def test_it_says_what_failed_and_keeps_what_was_measured(self) -> None:
        told = copy.deepcopy(TOLD)
        told["benchmarks"]["serving"]["failed"] = "CannotStart: no"
        told["benchmarks"]["foldin"] = {"failed": "MemoryError", "quick": False}
        text = report.page(told)
        self.assertIn("**Failed** at the last try: `CannotStart: no`", text)
        self.assertIn("`MemoryError`", text)
        self.assertIn("recommendations, warm | 0.70", text)

    def test_it_says_that_a_run_was_quick(self) -> None:
        told = copy.deepcopy(TOLD)
        told["benchmarks"]["sampler"]["quick"] = True
        self.assertIn("**A quick run, small and noisy**: sampler.", report.page(told))

    def test_it_says_that_libmf_could_be_faster(self) -> None:
        told = copy.deepcopy(TOLD)
        told["benchmarks"]["training"]["figures"]["ml-100k"]["libmf_uses_avx"] = False
        self.assertIn("**without AVX**", report.page(told))

    def test_it_names_the_machine_of_each_where_they_differ(self) -> None:
        told = copy.deepcopy(TOLD)
        told["benchmarks"]["growth"]["machine"]["cores"] = 64
        text = report.page(told)
        self.assertIn("growth: A Processor of Note, 64 cores", text)

    def test_the_plots_are_drawn(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            written = report.write(TOLD, report.page(TOLD), Path(name))
            self.assertEqual(
                [path.name for path in written], ["benchmarks.md", "benchmarks.svg", "benchmarks-growth.svg"]
            )
            bars, curves = (ElementTree.parse(path).getroot() for path in written[1:])
        space = {"s": "http://www.w3.org/2000/svg"}
        lengths = {
            label.text: float(bar.get("width", 0))
            for label, bar in zip(
                bars.findall("s:text[@text-anchor='end']", space), bars.findall("s:rect[@rx='2']", space), strict=True
            )
        }
        self.assertAlmostEqual(lengths["LIBMF"] / lengths["Surprise SVD"], 40 / 150, places=2)
        # Two sizes of each of four curves, and a dot in each legend.
        self.assertEqual(len(curves.findall("s:circle", space)), 2 * 4 + 4)

    def test_nothing_measured_is_a_page_all_the_same(self) -> None:
        text = report.page({"benchmarks": {}})
        self.assertIn("not measured", text)
        self.assertNotIn("| met |", text)
