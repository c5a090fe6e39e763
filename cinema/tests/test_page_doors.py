"""Who may open what: every address that is no API's, with every method, against a list.

A new page that is not listed fails; one that is listed as staff's and lets somebody else in fails, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cinema.library import hide_movie
from cinema.models import Movie, Review
from cinema.nights import open_night
from cinema.reviews import write_review
from cinema.tests.api_clients import ApiTestCase

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
# Who is let in. Everything else about a route is its own tests' business.
ANYONE, MEMBER, STAFF, TOKEN = "anyone", "member", "staff", "staff, by token"

DOORS: dict[str, set[str]] = {
    ANYONE: {
        "cinema:home", "cinema:movies", "cinema:movie", "cinema:poster", "cinema:art", "cinema:favicon",
        "cinema:sign-in", "cinema:sign-up", "cinema:sign-out", "cinema:reviews", "cinema:statistics",
        "cinema:account-deleted", "cinema:forgotten-password", "cinema:reset-password",
        "set_language", "healthz", "readyz",
        # A guest of a movie night has no account; the room's own tests say who may enter which.
        "cinema:night-code", "cinema:night-join", "cinema:night", "cinema:night-ratings", "cinema:night-veto",
        "cinema:night-watched", "cinema:night-leave", "cinema:night-seen", "cinema:nights",
        "cinema:night-remove", "cinema:night-close",
    },
    MEMBER: {
        "cinema:rail", "cinema:rate", "cinema:undo-rating", "cinema:my-ratings", "cinema:discovery", "cinema:shelve",
        "cinema:hide", "cinema:unhide", "cinema:shelf", "cinema:hidden", "cinema:my-reviews", "cinema:surprise",
        "cinema:write-review", "cinema:report-review", "cinema:start", "cinema:start-rate", "cinema:start-skip",
        "cinema:start-list", "cinema:controls", "cinema:controls-reset", "cinema:what-if", "cinema:my-taste",
        "cinema:moment",
        "cinema:my-latest-year", "cinema:my-year", "cinema:my-data", "cinema:export-json", "cinema:export-csv",
        "cinema:import", "cinema:import-review", "cinema:import-undo", "cinema:import-discard",
        "cinema:account-delete", "cinema:night-open", "cinema:account", "cinema:change-password",
        "cinema:make-token", "cinema:revoke-token",
    },
    STAFF: {
        "cinema:remove-review", "mlops:dashboard", "mlops:runs", "mlops:new-run", "mlops:run-detail",
        "mlops:run-cancel", "mlops:gate", "mlops:retention", "mlops:prune", "mlops:schedules", "mlops:health",
        "mlops:engagement-log", "mlops:forget-engagement", "mlops:experiments", "mlops:experiment",
        "mlops:experiment-start", "mlops:experiment-stop", "mlops:experiment-discard", "mlops:experiment-promote",
        "mlops:thresholds", "mlops:timeline", "mlops:compare", "mlops:compare-start", "mlops:comparison",
        "mlops:searches", "mlops:search", "mlops:search-cancel", "mlops:search-resume", "mlops:search-train",
        "recommender:roll-back", "recommender:lift-hold", "recommender:version-detail", "recommender:annotate",
        "recommender:activate",
    },
    TOKEN: {"metrics"},
}  # fmt: skip
# Redirects without a name, and the admin, which Django guards itself (its sign-in is ours).
UNNAMED = {"training", "admin", "admin/login/"}
SAMPLES = {
    "movie_id": "10", "review_id": "1", "night_id": "1", "run_id": "1", "search_id": "1", "comparison_id": "1",
    "experiment_id": "1",
    "key": "popular", "digest": "0" * 32, "shelf": "watchlist", "year": "2025", "token": "abc", "uidb64": "MQ",
    "label": "v20200101_000000",
}  # fmt: skip


def routes() -> Iterator[tuple[str, str, URLPattern]]:
    """(name, path with samples, pattern) of everything but the API and the admin."""

    def walk(resolver: URLResolver, prefix: str, space: str) -> Iterator[tuple[str, str, URLPattern]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                if entry.namespace not in {"api", "admin"}:
                    yield from walk(entry, prefix + str(entry.pattern), entry.namespace or space)
                continue
            name = f"{space}:{entry.name}" if space else str(entry.name)
            path = prefix + str(entry.pattern)
            samples = {part: SAMPLES[part] for part in entry.pattern.converters}
            samples |= {part: SAMPLES[part] for part in entry.pattern.regex.groupindex}
            yield name, path, entry

    yield from walk(get_resolver(), "", "")


class PageDoorsTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.night = open_night(host=self.alice, name="Alice")
        film = Movie.objects.get(pk=10)
        write_review(user=self.alice, movie=film, text="Good.", has_spoilers=False)
        hide_movie(user=self.bob, movie=film)
        SAMPLES["night_id"], SAMPLES["review_id"] = str(self.night.pk), str(Review.objects.get().pk)

    def addresses(self, *who: str) -> Iterator[tuple[str, str]]:
        from django.urls import reverse

        for name, _, pattern in routes():
            if any(name in DOORS[one] for one in who):
                parts = [*pattern.pattern.converters, *pattern.pattern.regex.groupindex]
                yield name, reverse(name, kwargs={part: SAMPLES[part] for part in dict.fromkeys(parts)})

    def test_every_address_is_listed_once(self) -> None:
        found = [name for name, path, _ in routes() if path not in UNNAMED]
        listed = [name for names in DOORS.values() for name in names]
        self.assertEqual(sorted(found), sorted(listed))

    def test_strangers_are_sent_to_sign_in_whatever_they_do(self) -> None:
        for name, path in self.addresses(MEMBER, STAFF):
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    response = getattr(Client(), method)(path)
                    if response.status_code != 405:  # a method that nobody may use there
                        self.assertEqual(response.status_code, 302, response.content[:200])
                        self.assertTrue(response["Location"].startswith("/sign-in?"), response["Location"])

    def test_members_do_not_get_in_where_staff_works(self) -> None:
        client = Client()
        client.force_login(self.charlie)
        for name, path in self.addresses(STAFF):
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    self.assertIn(getattr(client, method)(path).status_code, {403, 405})

    def test_the_fragments_of_pages_have_the_same_doors(self) -> None:
        client = Client()
        client.force_login(self.charlie)
        for name, path in self.addresses(STAFF):
            with self.subTest(name):
                self.assertIn(client.get(path, headers={"HX-Request": "true"}).status_code, {403, 405})
        for name, path in self.addresses(MEMBER):
            with self.subTest(name):
                response = Client().get(path, headers={"HX-Request": "true"})
                self.assertTrue(response.status_code == 405 or "/sign-in" in response.headers.get("HX-Redirect", ""))

    def test_staff_meets_no_closed_door_and_nothing_breaks(self) -> None:
        client = Client()
        client.force_login(self.staff)
        for name, path in self.addresses(STAFF):
            for method in METHODS:
                with self.subTest(f"{method} {name}"):
                    status = getattr(client, method)(path).status_code
                    self.assertIn(status, {200, 302, 404, 405, 422})

    def test_nothing_breaks_for_members_either(self) -> None:
        for name, path in self.addresses(ANYONE, MEMBER):
            for method in METHODS:
                if (name, method) == ("cinema:sign-out", "post"):
                    continue
                client = Client()
                client.force_login(self.bob)
                if name == "readyz":
                    continue  # there is no worker here, and it says so
                with self.subTest(f"{method} {name}"):
                    self.assertLess(getattr(client, method)(path).status_code, 500)

    def test_every_change_demands_the_token_against_forged_requests(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.staff)
        for name, path in self.addresses(ANYONE, MEMBER, STAFF):
            with self.subTest(name):
                self.assertIn(client.post(path).status_code, {403, 405})
                self.assertIn(client.post(path, headers={"HX-Request": "true"}).status_code, {403, 405})

    def test_machines_need_a_token_of_staff(self) -> None:
        for name, path in self.addresses(TOKEN):
            with self.subTest(name):
                self.assertEqual(Client().get(path).status_code, 401)
                client = Client()
                client.force_login(self.charlie)
                self.assertEqual(client.get(path).status_code, 403)
