from __future__ import annotations

import re

from knox.models import AuthToken

from mlops.models import ServingMinute
from mlops.serving_counts import ServingCounts
from recommender.served import Served
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate

SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)')


def parsed(text: str) -> dict[str, float]:
    """Samples by name and labels, as strictly as the format is written down. Raises AssertionError."""
    samples: dict[str, float] = {}
    kinds: dict[str, str] = {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.split(" ", 3)[2] not in kinds, "a metric stands in one piece"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds and kind in {"counter", "gauge", "histogram"}
            kinds[name] = kind
            last = name
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            base = re.sub("_(bucket|sum|count)$", "", match[1]) if kinds[last] == "histogram" else match[1]
            assert base == last, f"{line} stands under {last}"
            assert kinds[last] != "counter" or last.endswith("_total")
            key = match[1] + (match[2] or "")
            assert key not in samples
            samples[key] = float(match[3])
    return samples


class PrometheusTestCase(CatalogueTestCase):
    def token(self, user) -> dict[str, str]:
        return {"Authorization": f"Token {AuthToken.objects.create(user)[1]}"}

    def metrics(self) -> dict[str, float]:
        response = self.client.get("/metrics", headers=self.token(self.staff))
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return parsed(response.content.decode())

    def test_only_staff_gets_in(self) -> None:
        self.assertEqual(self.client.get("/metrics").status_code, 401)
        self.assertEqual(self.client.get("/metrics", headers=self.token(self.alice)).status_code, 403)
        self.assertEqual(self.client.post("/metrics", headers=self.token(self.staff)).status_code, 405)
        self.client.force_login(self.staff)
        self.assertEqual(self.client.get("/metrics").status_code, 200)

    def test_whatever_is_accepted_the_answer_is_text(self) -> None:
        headers = {**self.token(self.staff), "Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        self.assertEqual(self.client.get("/metrics", headers=headers).status_code, 200)

    def test_it_tells_what_there_is(self) -> None:
        rate(self.alice, DRAMA_FAN)
        found = self.metrics()
        self.assertEqual(found["cinema_ratings"], 7)
        self.assertEqual(found["cinema_ratings_since_training"], 7)
        self.assertEqual(found["cinema_movies"], 60)
        self.assertEqual(found["cinema_live_generation"], 1)
        self.assertEqual(found["cinema_worker_alive"], 0)
        self.assertEqual(found[f'cinema_live_version_info{{version="{self.version.label}",preset="tuned"}}'], 1)

    def test_it_adds_up_what_all_processes_have_counted(self) -> None:
        for _ in range(2):
            counts = ServingCounts()
            counts.record(Served("v1", lists=1, places=10, learned_ms=[4.0]), seconds=0.03, failed=False)
            counts.record(Served("v1"), seconds=0.3, failed=True)
            counts.flush()
        found = self.metrics()
        self.assertEqual(found['cinema_requests_total{version="v1"}'], 4)
        self.assertEqual(found['cinema_request_errors_total{version="v1"}'], 2)
        self.assertEqual(found['cinema_list_request_seconds_count{version="v1"}'], 2)
        self.assertAlmostEqual(found['cinema_list_request_seconds_sum{version="v1"}'], 0.06)
        buckets = [value for name, value in found.items() if name.startswith("cinema_list_request_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(found['cinema_list_request_seconds_bucket{version="v1",le="0.02"}'], 0)
        self.assertEqual(found['cinema_list_request_seconds_bucket{version="v1",le="0.035"}'], 2)
        self.assertEqual(found['cinema_learning_seconds_count{version="v1"}'], 2)

    def test_a_label_cannot_break_out(self) -> None:
        ServingMinute.objects.create(minute="2026-05-03T12:00Z", version='v"}\n# evil', handled=1)
        self.assertIn('cinema_requests_total{version="v\\"}\\n# evil"}', self.metrics())

    def test_it_needs_few_queries(self) -> None:
        headers = self.token(self.staff)
        with self.assertNumQueries(11):
            self.client.get("/metrics", headers=headers)
