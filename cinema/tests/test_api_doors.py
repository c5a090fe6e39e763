"""Who may do what: every route and method of the API, against a list."""

from __future__ import annotations

from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from cinema.api_urls import urlpatterns
from cinema.nights import open_night
from cinema.tests.api_clients import ApiTestCase

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# route name → method → who is let in. What is not listed must answer 405 to those who may see the route at all.
ANYONE, SIGNED_IN, ONESELF, STAFF = "anyone", "signed in", "oneself", "staff"
CONFIRMED = "signed in, with name and password"
DOORS: dict[str, dict[str, str]] = {
    "me": {"GET": SIGNED_IN, "PATCH": SIGNED_IN, "DELETE": CONFIRMED},
    "me-export": {"GET": SIGNED_IN},
    "movies": {"GET": ANYONE},
    "movie": {"GET": ANYONE},
    "ratings": {"GET": SIGNED_IN},
    "rating": {"PUT": SIGNED_IN, "DELETE": SIGNED_IN},
    "train": {"POST": STAFF},
    "runs": {"GET": STAFF},
    "run": {"GET": STAFF},
    "run-cancel": {"POST": STAFF},
    "searches": {"GET": STAFF, "POST": STAFF},
    "search": {"GET": STAFF},
    "search-cancel": {"POST": STAFF},
    "search-resume": {"POST": STAFF},
    "experiments": {"GET": STAFF},
    "experiment": {"GET": STAFF},
    "experiment-start": {"POST": STAFF},
    "experiment-stop": {"POST": STAFF},
    "status": {"GET": SIGNED_IN},
    "versions": {"GET": STAFF},
    "version": {"GET": STAFF, "PATCH": STAFF},
    "version-activate": {"POST": STAFF},
    "rollback": {"POST": STAFF},
    "activations": {"GET": STAFF},
    "live-at": {"GET": STAFF},
    "metrics": {"GET": STAFF},
    "metrics-history": {"GET": STAFF},
    "recommendations": {"GET": ONESELF},
    "explain": {"GET": ONESELF},
    "similar": {"GET": SIGNED_IN},
    "night": {"GET": ONESELF},
    "schema": {"GET": ANYONE},
    "docs": {"GET": ANYONE},
}


class DoorsTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.night = open_night(host=self.alice, name="Alice")

    def path(self, name: str) -> str:
        """A path of that route about Alice's things."""
        for pattern in urlpatterns:
            if pattern.name == name:
                route = str(pattern.pattern)
        for part, value in {
            "<id:movie_id>": "10",
            "<id:user_id>": str(self.alice.pk),
            "<id:run_id>": "1",
            "<id:search_id>": "1",
            "<id:experiment_id>": "1",
            "<id:night_id>": str(self.night.pk),
            "<slug:label>": self.version.label,
        }.items():
            route = route.replace(part, value)
        return f"/api/{route}"

    def test_every_route_is_listed(self) -> None:
        self.assertEqual({pattern.name for pattern in urlpatterns}, set(DOORS))
        prefixes = [str(p.pattern) for p in get_resolver().url_patterns if isinstance(p, URLResolver)]
        self.assertEqual(prefixes.count("api/"), 1)

    def test_the_anonymous_get_in_nowhere_but_where_anyone_may(self) -> None:
        for name, methods in DOORS.items():
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    response = self.api(method, self.path(name), json={})
                    if methods.get(method) == ANYONE:
                        self.assertEqual(response.status_code, 200)
                    elif ANYONE in methods.values():
                        self.assert_problem(response, 405)
                    else:
                        self.assert_problem(response, 401)
                        self.assertEqual(response.headers["WWW-Authenticate"], "Token")

    def test_charlie_gets_in_only_where_all_who_are_signed_in_may(self) -> None:
        for name, methods in DOORS.items():
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    response = self.api(method, self.path(name), by=self.charlie, json={"value": 3})
                    door = methods.get(method)
                    if STAFF in methods.values():
                        self.assert_problem(response, 403, "permission_denied")
                    elif door is None:
                        self.assert_problem(response, 405)
                    elif door == ONESELF:
                        self.assert_problem(response, 404)
                    elif door == CONFIRMED:
                        self.assert_problem(response, 400, "invalid")
                    else:
                        self.assertLess(response.status_code, 300)

    def test_staff_gets_in_everywhere(self) -> None:
        for name, methods in DOORS.items():
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    response = self.api(method, self.path(name), by=self.staff, json={"value": 3})
                    if method not in methods:
                        self.assert_problem(response, 405)
                    elif methods[method] == CONFIRMED:
                        self.assert_problem(response, 400, "invalid")
                    else:
                        # 404: there is no run; 409: nothing to roll back to. Nowhere a closed door.
                        self.assertIn(response.status_code, {200, 201, 202, 204, 404, 409})

    def test_nobody_changes_anything_by_get(self) -> None:
        for name in ("train", "rollback", "version-activate", "run-cancel", "search-cancel", "search-resume"):
            self.assert_problem(self.api("GET", self.path(name), by=self.staff), 405)

    def test_somebody_elses_data_looks_like_nothing_at_all(self) -> None:
        for template in ("/api/ml/recommendations/{}", "/api/ml/explain/{}/10", "/api/nights/{}"):
            theirs = self.night.pk if "nights" in template else self.alice.pk
            existing = self.api("GET", template.format(theirs), by=self.charlie)
            missing = self.api("GET", template.format(999_999), by=self.charlie)
            self.assert_problem(existing, 404)
            self.assertEqual(existing.content, missing.content)

    def test_a_session_works_too_but_writes_need_its_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        self.assertEqual(client.get("/api/me").json()["username"], "alice")
        refused = client.put("/api/ratings/10", {"value": 4}, content_type="application/json")
        self.assert_problem(refused, 403)
        client.get("/movies")
        token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
        accepted = client.put(
            "/api/ratings/10", {"value": 4}, content_type="application/json", headers={"X-CSRFToken": token}
        )
        self.assertEqual(accepted.status_code, 201)

    def test_a_session_needs_its_csrf_token_to_choose_for_its_lists_too(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        refused = client.patch("/api/me", {"discovery": 1}, content_type="application/json")
        self.assert_problem(refused, 403)
        self.alice.refresh_from_db()
        self.assertIsNone(self.alice.discovery)

    def test_a_bad_token_is_refused_even_where_anyone_may(self) -> None:
        for path in ("/api/me", "/api/movies"):
            response = self.client.get(path, headers={"Authorization": "Token nonsense"})
            self.assert_problem(response, 401)

    def test_somebody_deactivated_is_out_at_once(self) -> None:
        self.assertEqual(self.api("GET", "/api/me", by=self.bob).status_code, 200)
        self.bob.is_active = False
        self.bob.save()
        self.assert_problem(self.api("GET", "/api/me", by=self.bob), 401)
