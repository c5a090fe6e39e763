from __future__ import annotations

from django.contrib.auth.models import Permission
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from cinema.models import MAX_REVIEW, Review, ReviewReport
from recommender.tests.stored_versions import CatalogueTestCase

HTMX = {"HX-Request": "true"}


@override_settings(THROTTLE_RATES={"review": 1000, "rating": 1000})
class ReviewsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)

    def write(self, text: str = "A quiet film about loud people.", **more: str) -> int:
        return self.client.post("/movies/60/review", {"text": text, **more}).status_code

    def test_it_is_written_changed_and_deleted(self) -> None:
        self.assertEqual(self.write(), 302)
        self.assertContains(self.client.get("/movies/60/reviews"), "A quiet film")
        self.assertContains(self.client.get("/my/reviews"), "A quiet film")
        written = Review.objects.get().written_at
        self.write("Louder than I thought.", has_spoilers="on")
        review = Review.objects.get()
        self.assertEqual(
            (review.text, review.has_spoilers, review.written_at), ("Louder than I thought.", True, written)
        )
        self.client.post("/movies/60/review", {"delete": "1"})
        self.assertFalse(Review.objects.exists())

    def test_everybody_reads_it_on_the_films_page(self) -> None:
        self.write()
        self.client.logout()
        self.assertContains(self.client.get("/movies/60"), 'hx-get="/movies/60/reviews"')
        self.assertContains(self.client.get("/movies/60/reviews", headers=HTMX), "A quiet film")

    def test_what_gives_the_story_away_is_folded(self) -> None:
        self.write("He was dead all along.", has_spoilers="on")
        self.client.force_login(self.bob)
        page = self.client.get("/movies/60/reviews").content.decode()
        self.assertLess(page.index("This gives the story away"), page.index("He was dead"))
        self.assertNotIn("<details open", page)

    def test_it_is_text_and_nothing_else(self) -> None:
        self.write("<script>alert(1)</script> https://evil.example & <b>bold</b>")
        self.client.force_login(self.bob)
        page = self.client.get("/movies/60/reviews").content.decode()
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertNotIn('href="https://evil.example', page)

    def test_it_must_say_something_and_end_some_day(self) -> None:
        for text in ("", "   ", "x" * (MAX_REVIEW + 1), "a\x00b"):
            self.assertEqual(self.write(text), 422, text[:5])
        self.assertFalse(Review.objects.exists())

    def test_another_persons_review_cannot_be_touched(self) -> None:
        self.write()
        self.client.force_login(self.charlie)
        self.client.post("/movies/60/review", {"delete": "1"})
        self.client.post("/movies/60/review", {"text": "Mine."})
        self.assertEqual(Review.objects.get(user=self.alice).text, "A quiet film about loud people.")
        self.assertEqual(self.client.post(f"/reviews/{Review.objects.get(user=self.alice).pk}/remove").status_code, 403)

    def test_it_is_reported_once_by_each_and_never_by_its_author(self) -> None:
        self.write()
        review = Review.objects.get()
        self.assertEqual(self.client.post(f"/reviews/{review.pk}/report").status_code, 404)
        self.client.force_login(self.bob)
        for _ in range(2):
            self.client.post(f"/reviews/{review.pk}/report")
        self.assertEqual(ReviewReport.objects.count(), 1)
        self.assertContains(self.client.get("/movies/60/reviews"), "Reported")

    def test_staff_removes_it_and_the_author_reads_why(self) -> None:
        self.write()
        review = Review.objects.get()
        self.client.force_login(self.staff)
        self.client.post(f"/reviews/{review.pk}/remove", {"reason": "Names a private person."})
        self.assertNotContains(self.client.get("/movies/60/reviews"), "A quiet film")
        self.client.force_login(self.alice)
        self.assertContains(self.client.get("/movies/60/reviews"), "Names a private person.")
        self.assertEqual(self.write("Once more."), 422)
        self.client.post("/movies/60/review", {"delete": "1"})
        self.assertEqual(Review.objects.get().text, "A quiet film about loud people.")

    def test_the_admin_looks_at_reports(self) -> None:
        self.write()
        review = Review.objects.get()
        ReviewReport.objects.create(review=review, user=self.bob, reported_at=review.written_at)
        self.staff.user_permissions.add(*Permission.objects.filter(codename__in=["view_review", "change_review"]))
        self.client.force_login(self.staff)
        address = "/admin/cinema/review/"
        self.assertContains(self.client.get(f"{address}?reported=open"), "A quiet film")
        self.client.post(address, {"action": "dismiss", "_selected_action": [review.pk]})
        self.assertNotContains(self.client.get(f"{address}?reported=open"), "A quiet film")
        self.client.post(address, {"action": "remove", "_selected_action": [review.pk]})
        review.refresh_from_db()
        self.assertIsNotNone(review.removed_at)
        self.client.post(address, {"action": "restore", "_selected_action": [review.pk]})
        review.refresh_from_db()
        self.assertIsNone(review.removed_at)

    def test_staff_that_may_only_look_removes_nothing(self) -> None:
        self.write()
        self.staff.user_permissions.add(Permission.objects.get(codename="view_review"))
        self.client.force_login(self.staff)
        self.client.post("/admin/cinema/review/", {"action": "remove", "_selected_action": [Review.objects.get().pk]})
        self.assertIsNone(Review.objects.get().removed_at)

    def test_it_is_paged_and_quick(self) -> None:
        self.write()
        now = Review.objects.get().written_at
        for number in range(12):
            user = type(self.alice).objects.create_user(f"person{number}")
            Review.objects.create(user=user, movie_id=60, text=f"Text {number}", written_at=now, changed_at=now)
        with CaptureQueriesContext(connection) as queries:
            first = self.client.get("/movies/60/reviews")
        self.assertLessEqual(len(queries), 15)
        self.assertContains(first, "Older reviews")
        self.assertContains(self.client.get("/movies/60/reviews?page=2"), "Text 0")

    def test_it_takes_a_signed_in_person_to_write(self) -> None:
        self.client.logout()
        for path in ("/movies/60/review", "/reviews/1/report", "/reviews/1/remove"):
            self.assertIn("/sign-in", self.client.post(path)["Location"], path)


class ManyReviewsTestCase(CatalogueTestCase):
    @override_settings(THROTTLE_RATES={"review": 2})
    def test_too_many_in_one_minute_are_refused(self) -> None:
        self.client.force_login(self.alice)
        codes = [self.client.post(f"/movies/{pk}/review", {"text": "Good."}).status_code for pk in (10, 20, 30)]
        self.assertEqual(codes, [302, 302, 429])
