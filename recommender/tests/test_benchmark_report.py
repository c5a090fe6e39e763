from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import numpy as np
from django.test import SimpleTestCase

from recommender.benchmarks import quality, report, results
from recommender.benchmarks.datasets import DataSet, DataSetUnavailable
from recommender.benchmarks.quality import Bench
from recommender.benchmarks.results import Results
from recommender.benchmarks.rows import ROWS, Row
from recommender.tests.ratings_for_tests import two_genres, two_tastes

VERSIONS = {"numpy": "2.4.6"}
ABOUT = {
    "fingerprint": "f",
    "ratings": 1000,
    "people": 50,
    "films": 200,
    "rating_protocol": "5 random folds, seed 0",
    "ranking_protocol": "a random 20 % of all ratings, seed 0",
    "ranking_test_ratings": 200,
    "python": "3.11.2",
}


def stars(
    title: str, folds: list[float], *, ours: bool = False, settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "title": title,
        "task": "rating",
        "ours": ours,
        "rmse": float(np.mean(folds)),
        "per_split": folds,
        "fit_seconds": 1.5,
        "settings": [settings or {}] * len(folds),
        "versions": VERSIONS,
    }


def lists(title: str, ndcg: list[float], *, ours: bool = False, coverage: float = 0.2) -> dict[str, Any]:
    return {
        "title": title,
        "task": "ranking",
        "ours": ours,
        "ndcg": float(np.mean(ndcg)),
        "precision": 0.1,
        "recall": 0.2,
        "coverage": coverage,
        "coverage_all": 0.05,
        "n_people": len(ndcg),
        "per_person": {"people": list(range(len(ndcg))), "ndcg": ndcg},
        "fit_seconds": 12.0,
        "settings": [{"regularization": 500.0}],
        "versions": VERSIONS,
    }


MEASURED = {
    "biases": stars("Biases", [0.94, 0.95, 0.96]),
    "surprise-svd-tuned": stars("Surprise SVD", [0.91, 0.92, 0.93], settings={"n_factors": 50, "reg_all": 0.1}),
    "balanced": stars("CINÉMA balanced", [0.87, 0.88, 0.89], ours=True, settings={"fresh": 1.0}),
    "popularity": lists("Popularity", [0.1, 0.2, 0.3]),
    "implicit-als": lists("ALS & friends", [0.3, 0.4, 0.5]),
    "lists": lists("CINÉMA lists", [0.4, 0.5, 0.6], ours=True),
    "lists-discovery": lists("CINÉMA discovery", [0.35, 0.5, 0.55], ours=True, coverage=0.7),
    "confidence-balanced": {
        "title": "CINÉMA balanced",
        "task": "confidence",
        "ours": True,
        "claimed": 0.75,
        "observed": 0.76,
        "interval": [0.74, 0.78],
        "gap": 0.0123,
        "n": 200,
        "versions": VERSIONS,
    },
    "newcomers-balanced": {
        "title": "CINÉMA balanced",
        "task": "newcomers",
        "ours": True,
        "new": 0.861,
        "known": 0.86,
        "interval": [-0.002, 0.004],
        "n_people": 600,
        "n_parts": 7,
        "versions": VERSIONS,
    },
}


class ReportTestCase(SimpleTestCase):
    def page(self, **measured: Any) -> str:
        found = {"ml-100k": MEASURED} | measured
        return report.render(dict.fromkeys(found, ABOUT), found)

    def row(self, title: str, page: str | None = None) -> list[str]:
        """The cells of the first row of a table whose first cell holds the title."""
        for line in (page or self.page()).splitlines():
            if line.startswith("|") and title in line.split("|")[1]:
                return [cell.strip() for cell in line.strip("|").split("|")]
        self.fail(f"no row of {title}")

    def test_it_gives_the_mean_and_the_range_of_the_folds(self) -> None:
        self.assertEqual(self.row("Biases"), ["Biases", "0.9500", "0.9400 – 0.9600", "1.5 s"])

    def test_it_gives_the_interval_of_a_single_split(self) -> None:
        rows = {"biases": stars("Biases", [0.9]) | {"interval": [0.88, 0.93]}}
        of_demo = self.page(demo=rows).partition("## The demo")[2]
        self.assertIn("95 % interval", of_demo)
        self.assertEqual(self.row("Biases", of_demo)[2], "0.8800 – 0.9300")

    def test_it_sets_our_models_apart(self) -> None:
        self.assertEqual(self.row("CINÉMA balanced")[0], "**CINÉMA balanced**")

    def test_it_compares_with_the_best_peer_person_by_person(self) -> None:
        self.assertEqual(self.row("ALS")[2], "the best peer")
        self.assertEqual(self.row("Popularity")[2], "")
        self.assertEqual(self.row("CINÉMA lists")[2], "+0.1000 [+0.1000, +0.1000]")

    def test_it_says_what_a_discovery_costs(self) -> None:
        self.assertIn("changes NDCG@10 by -0.0333 (-6.7 %)", self.page())
        self.assertIn("Coverage@10 from 0.200 to 0.700", self.page())

    def test_it_tells_how_true_confidence_is_and_how_newcomers_fare(self) -> None:
        self.assertIn("| **CINÉMA balanced** | 0.750 | 0.760 [0.740, 0.780] | 0.012 |", self.page())
        self.assertIn("| **CINÉMA balanced** | 0.8610 | 0.8600 | +0.0010 [-0.0020, +0.0040] |", self.page())

    def test_it_names_what_was_not_measured(self) -> None:
        page = self.page()
        unmeasured = page[page.index("## Not measured") : page.index("## Chosen settings")]
        self.assertIn("MovieLens 1M: was not given (`--data ml-1m=PATH`)", unmeasured)
        self.assertIn("implicit BPR", unmeasured)
        self.assertNotIn("Surprise SVD, tuned", unmeasured)

    def test_it_names_what_was_chosen(self) -> None:
        self.assertIn("Surprise SVD, tuned (of 24): ML-100K: n_factors 50, reg_all 0.1.", self.page())

    def test_its_plot_says_in_words_what_it_shows(self) -> None:
        root = ElementTree.fromstring(report.picture({"ml-100k": MEASURED}))
        space = "{http://www.w3.org/2000/svg}"
        description = root.findtext(f"{space}desc") or ""
        self.assertIn("ML-100K RMSE CINÉMA balanced 0.8800, Surprise SVD 0.9200, Biases 0.9500", description)
        self.assertIn("ALS & friends 0.4000", description)
        self.assertTrue(root.findtext(f"{space}title"))
        ours = [circle for circle in root.iter(f"{space}circle") if "ours" in circle.attrib["class"]]
        self.assertEqual(len(ours), 3)
        self.assertEqual(len(list(root.iter(f"{space}circle"))), 7)

    def test_its_dots_stand_in_the_order_of_their_values(self) -> None:
        root = ElementTree.fromstring(report.picture({"ml-100k": {k: v for k, v in MEASURED.items() if "rmse" in v}}))
        dots = [float(circle.attrib["cx"]) for circle in root.iter("{http://www.w3.org/2000/svg}circle")]
        self.assertEqual(dots, sorted(dots))
        self.assertEqual(len(set(dots)), 3)


def constant(figures: dict[str, Any], calls: list[str]) -> Any:
    def measure(bench: Bench) -> dict[str, Any]:
        calls.append(bench.dataset.name)
        return {key: value for key, value in figures.items() if key not in ("title", "task", "ours", "versions")}

    return measure


class QualityTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.calls: list[str] = []
        self.said: list[str] = []
        self.rows: tuple[Row, ...] = (
            Row("biases", "Biases", "rating", constant(MEASURED["biases"], self.calls)),
            Row("popularity", "Popularity", "ranking", constant(MEASURED["popularity"], self.calls)),
            Row("lists", "CINÉMA lists", "ranking", constant(MEASURED["lists"], self.calls), is_ours=True),
        )
        self.replace(quality, "say", self.said.append)

    def replace(self, where: Any, name: str, value: Any) -> None:
        patch = mock.patch.object(where, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def run_quality(self, *arguments: str, rows: Sequence[Row] | None = None) -> int:
        def read(name: str, folder: Path | None, *, downloads: Path) -> DataSet:
            if name == "ml-1m":
                raise DataSetUnavailable("ml-1m could not be read")
            data = two_tastes()
            years = np.zeros(data.n_items, np.int64)
            return DataSet(name, data, np.arange(data.n_items), two_genres(data.n_items), years)

        for module in (quality, results, report):
            self.replace(module, "ROWS", rows or self.rows)
        self.replace(quality.datasets, "read", read)
        return quality.main([*arguments, "--out", str(self.out)])

    def stored(self, dataset: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.out / "quality.json").read_text())
        rows: dict[str, Any] = content["datasets"][dataset]["rows"]
        return rows

    def test_it_measures_and_reports_100k_and_the_demo_unless_told_otherwise(self) -> None:
        self.assertEqual(self.run_quality(), 0)
        self.assertEqual(self.calls, ["ml-100k"] * 3 + ["demo"] * 3)
        self.assertEqual(self.stored("demo")["biases"]["rmse"], MEASURED["biases"]["rmse"])
        self.assertIn("## MovieLens 100K", (self.out / "quality.md").read_text())
        self.assertTrue((self.out / "quality.svg").read_text().startswith("<svg"))

    def test_it_does_not_measure_again_what_is_finished_unless_told_to(self) -> None:
        self.run_quality("--data", "demo")
        self.run_quality("--data", "demo")
        self.assertEqual(len(self.calls), 3)
        self.run_quality("--data", "demo", "--fresh")
        self.assertEqual(len(self.calls), 6)

    def test_it_measures_again_what_was_made_by_other_code_or_settings(self) -> None:
        self.run_quality("--data", "demo")
        with mock.patch("recommender.benchmarks.rows._code_digest", return_value="other"):
            self.run_quality("--data", "demo")
        self.assertEqual(len(self.calls), 4)  # ours alone
        changed = replace(self.rows[1], candidates=({"k": 1},))
        self.run_quality("--data", "demo", "--only", "popularity", rows=(self.rows[0], changed))
        self.assertEqual(len(self.calls), 5)

    def test_it_measures_only_what_it_is_asked_for(self) -> None:
        self.run_quality("--data", "demo", "--only", "lists", "biases")
        self.assertEqual(set(self.stored("demo")), {"lists", "biases"})

    def test_it_prints_latest_small_and_publishes_it_nowhere(self) -> None:
        self.run_quality("--data", f"latest-small={self.out}", "--data", "demo")
        self.assertIn("latest-small", json.loads((self.out / "quality.json").read_text())["datasets"])
        self.assertIn("not for publication", "\n".join(self.said))
        for name in ("quality.md", "quality.svg"):
            self.assertNotIn("latest-small", (self.out / name).read_text())

    def test_it_goes_on_without_a_data_set_that_is_not_there_and_says_so(self) -> None:
        self.assertEqual(self.run_quality("--data", f"ml-1m={self.out}", "--data", "demo"), 1)
        self.assertIn("ml-1m could not be read", self.said)
        self.assertEqual(self.calls, ["demo"] * 3)

    def test_it_goes_on_without_a_peer_that_is_not_installed_or_fails(self) -> None:
        def fail(bench: Bench) -> dict[str, Any]:
            raise RuntimeError("broken")

        absent = Row("myfm", "myFM", "rating", fail, packages=("myfm",))
        broken = Row("item-mean", "Item mean", "rating", fail)
        with mock.patch("recommender.benchmarks.rows.importlib.util.find_spec", return_value=None):
            code = self.run_quality("--data", "demo", rows=(absent, broken, *self.rows))
        self.assertEqual(code, 1)
        self.assertEqual(len(self.calls), 3)
        said = "\n".join(self.said)
        self.assertIn("without myFM, as myfm is not installed", said)
        self.assertIn("Item mean failed: RuntimeError('broken')", said)

    def test_it_forgets_what_was_measured_on_other_data_of_the_same_name(self) -> None:
        first = Results(self.out / "quality.json")
        first.open("demo", ABOUT)
        first.put("demo", ROWS[0], stars("Item mean", [0.9]))
        self.assertEqual(list(first.measured("demo")), [ROWS[0].name])
        again = Results(self.out / "quality.json")
        self.assertEqual(list(again.measured("demo")), [ROWS[0].name])
        again.open("demo", ABOUT | {"fingerprint": "other"})
        self.assertEqual(again.measured("demo"), {})

    def test_it_refuses_what_it_does_not_know(self) -> None:
        for arguments in (
            ["--data", "netflix"],
            ["--data", "demo=somewhere"],
            ["--data", "ml-1m"],
            ["--only", "nothing"],
        ):
            with self.subTest(arguments), mock.patch("sys.stderr"), self.assertRaises(SystemExit) as refused:
                quality.main(arguments)
            self.assertEqual(refused.exception.code, 2)


class RowsTestCase(SimpleTestCase):
    def test_its_rows_have_names_of_their_own(self) -> None:
        self.assertEqual(len({row.name for row in ROWS}), len(ROWS))

    def test_it_asks_for_recency_and_newcomers_only_where_they_mean_something(self) -> None:
        data = two_tastes()

        def names(dataset: str) -> set[str]:
            years = np.zeros(data.n_items, np.int64)
            bench = Bench(DataSet(dataset, data, np.arange(data.n_items), two_genres(data.n_items), years))
            return {row.name for row in quality.rows_for(bench, [])}

        self.assertEqual(names("demo") - names("ml-100k"), {"lists-recency", "newcomers-balanced"})
        self.assertEqual(names("ml-100k") - names("demo"), set())

    def test_its_presets_and_lists_are_measured_as_the_product_makes_them(self) -> None:
        data = two_tastes()
        years = np.zeros(data.n_items, np.int64)
        bench = Bench(DataSet("ml-1m", data, np.arange(data.n_items), two_genres(data.n_items), years))
        by_name = {row.name: row for row in ROWS}
        rated = by_name["classic"].measure(bench)
        plain = by_name["biases"].measure(bench)
        self.assertLess(rated["rmse"], plain["rmse"])
        self.assertEqual(len(rated["interval"]), 2)
        ranked, popular = by_name["lists"].measure(bench), by_name["popularity"].measure(bench)
        self.assertGreater(ranked["ndcg"], popular["ndcg"])
        self.assertEqual(ranked["per_person"]["people"], popular["per_person"]["people"])
        self.assertEqual(ranked["settings"][0]["half_life"], 0.0)
        json.dumps([rated, ranked])
