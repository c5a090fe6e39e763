from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from django.utils import timezone

from cinema.models import Genre, Movie, Rating, User
from recommender import registry
from recommender.catalogue import Filters
from recommender.explain import explain_for
from recommender.new_films import new_films
from recommender.recommend import predict_for, recommend_for
from recommender.serving import LiveModel, live_model
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained

COMEDY_FAN = {row: 5.5 - value for row, value in {0: 5.0, 1: 5.0, 2: 4.5, 40: 1.0, 41: 0.5, 42: 1.5}.items()}


class NewFilmsTestCase(CatalogueTestCase):
    """A film that came after the training, and people who love dramas and have had accounts for a year."""

    def setUp(self) -> None:
        super().setUp()
        self.film = Movie.objects.create(title="Brand new", year=2010)
        self.film.genres.add(Genre.objects.get(name="Drama"))
        self.fans = [self.member(f"fan{number}", DRAMA_FAN) for number in range(4)]
        rate(self.alice, DRAMA_FAN)
        rate(self.bob, COMEDY_FAN)

    def member(self, name: str, stars: dict[int, float]) -> User:
        user = User.objects.create(username=name, date_joined=timezone.now() - timedelta(days=365))
        rate(user, stars)
        return user

    def live(self) -> LiveModel:
        live = live_model()
        assert live is not None
        return live

    def give(self, user: User, value: float) -> None:
        now = timezone.now()
        Rating.objects.create(user=user, movie=self.film, value=value, rated_at=now, changed_at=now)

    def predicted(self, user: User) -> float:
        return predict_for(user, [self.film])[self.film.pk]

    def listed(self, user: User) -> dict[int, str]:
        return {item.movie_id: item.slot for item in recommend_for(user, n=10, discovery=1).items}

    def test_it_knows_nothing_of_a_film_without_ratings(self) -> None:
        self.assertEqual(new_films(self.live()), {})
        self.assertEqual(predict_for(self.alice, [self.film]), {})

    def test_it_recommends_a_film_from_its_first_rating_on(self) -> None:
        self.assertNotIn(self.film.pk, self.listed(self.alice))
        self.give(self.fans[0], 5.0)
        self.assertEqual(self.listed(self.alice)[self.film.pk], "discovery")

    def test_it_recommends_it_to_those_who_share_the_raters_taste(self) -> None:
        for fan in self.fans:
            self.give(fan, 5.0)
        self.assertGreater(self.predicted(self.alice), self.predicted(self.bob) + 0.5)
        self.assertIn(self.film.pk, self.listed(self.alice))
        self.assertNotIn(self.film.pk, self.listed(self.bob))

    def test_it_hears_each_rating_edit_and_deletion_at_once(self) -> None:
        self.give(self.fans[0], 5.0)
        one = self.predicted(self.alice)
        self.give(self.fans[1], 5.0)
        two = self.predicted(self.alice)
        self.assertGreater(two, one)
        Rating.objects.filter(movie=self.film, user=self.fans[1]).update(value=0.5, changed_at=timezone.now())
        self.assertLess(self.predicted(self.alice), one)
        Rating.objects.filter(movie=self.film, user=self.fans[1]).delete()
        self.assertAlmostEqual(self.predicted(self.alice), one, places=9)
        Rating.objects.filter(movie=self.film).delete()
        self.assertEqual(predict_for(self.alice, [self.film]), {})

    def test_it_counts_nobody_on_their_first_day(self) -> None:
        User.objects.filter(pk=self.fans[0].pk).update(date_joined=timezone.now() - timedelta(hours=23))
        self.give(self.fans[0], 5.0)
        self.assertEqual(new_films(self.live()), {})

    def test_it_counts_no_closed_account(self) -> None:
        User.objects.filter(pk=self.fans[0].pk).update(is_active=False)
        self.give(self.fans[0], 5.0)
        self.assertEqual(new_films(self.live()), {})
        imported = self.member("demo:7", DRAMA_FAN)
        User.objects.filter(pk=imported.pk).update(is_active=False, source="demo", source_id=7)
        self.give(imported, 5.0)
        self.assertEqual(set(new_films(self.live())), {self.film.pk})

    def test_it_counts_nobody_with_fewer_than_five_ratings_of_films_that_the_version_knows(self) -> None:
        newcomer = self.member("newcomer", {0: 5.0, 1: 5.0, 2: 4.5, 3: 5.0})
        for number in range(5):
            other = Movie.objects.create(title=f"Another new one {number}")
            now = timezone.now()
            Rating.objects.create(user=newcomer, movie=other, value=5.0, rated_at=now, changed_at=now)
        self.give(newcomer, 5.0)
        self.assertEqual(new_films(self.live()), {})

    def test_it_cannot_be_talked_up_by_fresh_accounts(self) -> None:
        self.give(self.fans[0], 2.0)
        before = self.predicted(self.alice)
        for number in range(20):
            shill = self.member(f"shill{number}", DRAMA_FAN)
            User.objects.filter(pk=shill.pk).update(date_joined=timezone.now())
            self.give(shill, 5.0)
        self.assertAlmostEqual(self.predicted(self.alice), before, places=9)

    def test_it_is_less_sure_the_fewer_have_rated_it(self) -> None:
        widths = []
        for fan in self.fans:
            self.give(fan, 4.0)
            low, high = explain_for(self.alice, self.film)["interval"]
            sd = self.live().model.uncertainty.sd_of_new_film(
                self.live().model.solve(self.live().model.history(*self.history())),
                new_films(self.live())[self.film.pk],
            )
            self.assertLess(low, high)
            widths.append(sd)
        self.assertEqual(widths, sorted(widths, reverse=True))

    def history(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        rows = list(DRAMA_FAN)
        ids = np.array([10 * (row + 1) for row in rows])
        return ids, np.array([DRAMA_FAN[row] for row in rows]), np.zeros(len(rows), bool), np.arange(len(rows))

    def test_it_explains_a_new_film_to_the_last_digit(self) -> None:
        for fan in self.fans:
            self.give(fan, 5.0)
        explanation = explain_for(self.alice, self.film, all_contributions=True)
        parts = explanation["breakdown"]
        total = sum(parts[name] for name in ("base", "film", "you", "your_ratings", "clipped"))
        self.assertAlmostEqual(total, self.predicted(self.alice), places=9)
        self.assertAlmostEqual(
            sum(entry["contribution"] for entry in explanation["contributions"]), parts["your_ratings"], places=9
        )
        self.assertIn("genre_match", [reason["type"] for reason in explanation["reasons"]])

    def test_it_does_not_ask_a_rater_what_they_will_think(self) -> None:
        """Who has rated it is told what the others' ratings say."""
        self.give(self.fans[1], 5.0)
        before = self.predicted(self.fans[0])
        self.give(self.fans[0], 0.5)
        self.assertAlmostEqual(self.predicted(self.fans[0]), before, places=9)
        self.assertAlmostEqual(explain_for(self.fans[0], self.film)["predicted_rating"], before, places=9)

    def test_it_respects_a_filter_and_a_wish_for_no_discoveries(self) -> None:
        for fan in self.fans:
            self.give(fan, 5.0)
        ids = [item.movie_id for item in recommend_for(self.alice, filters=Filters(genre="Comedy")).items]
        self.assertNotIn(self.film.pk, ids)
        ids = [item.movie_id for item in recommend_for(self.alice, discovery=0).items]
        self.assertNotIn(self.film.pk, ids)
        self.assertNotIn(self.film.pk, [i.movie_id for i in recommend_for(self.alice, exclude=[self.film.pk]).items])
        self.assertNotIn(self.film.pk, self.listed(self.fans[0]))  # has rated it

    def test_it_takes_up_a_film_that_was_there_at_the_training_but_had_no_rating(self) -> None:
        model = trained()
        counts = model.films.item_counts.copy()
        counts[50] = 0
        registry.activate(store_version(replace(model, films=replace(model.films, item_counts=counts))))
        rate(self.fans[0], {50: 5.0, 51: 5.0})
        self.assertEqual(set(new_films(self.live())), {510})
        self.assertEqual(len({item.movie_id for item in recommend_for(self.alice, n=53).items}), 53)
