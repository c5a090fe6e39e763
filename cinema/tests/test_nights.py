from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from cinema import nights
from cinema.models import (
    MAX_PARTICIPANTS,
    NIGHT_LIFETIME,
    VETOES_EACH,
    Movie,
    Night,
    NightParticipant,
    NightPick,
    NightRating,
    NightVeto,
    User,
)
from recommender.tests.stored_versions import CatalogueTestCase


def movie(pk: int) -> Movie:
    return Movie.objects.get(pk=pk)


class NightsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.night = nights.open_night(host=self.alice, name="Ana")
        self.ana = self.night.participants.get()

    def revision(self) -> int:
        return Night.objects.values_list("revision", flat=True).get(pk=self.night.pk)

    def test_opening_makes_a_link_and_a_code_that_nobody_guesses(self) -> None:
        other = nights.open_night(host=self.alice, name="Ana")
        self.assertNotEqual((self.night.token, self.night.code), (other.token, other.code))
        self.assertGreaterEqual(len(self.night.token), 32)
        self.assertRegex(self.night.code, r"^[A-HJKMNP-Z2-9]{6}$")
        self.assertEqual(self.night.expires_at - self.night.opened_at, NIGHT_LIFETIME)
        self.assertEqual((self.ana.user, self.ana.name), (self.alice, "Ana"))

    def test_an_account_has_only_so_many_rooms_open(self) -> None:
        for _ in range(nights.MAX_OPEN_NIGHTS - 1):
            nights.open_night(host=self.alice, name="Ana")
        with self.assertRaises(nights.TooManyNights):
            nights.open_night(host=self.alice, name="Ana")
        nights.close_night(night=self.night)
        nights.open_night(host=self.alice, name="Ana")

    def test_an_account_enters_once_and_a_guest_gets_a_key(self) -> None:
        ben = nights.join_night(night=self.night, name="Ben", user=self.bob)
        again = nights.join_night(night=self.night, name="Benjamin", user=self.bob)
        self.assertEqual((again.pk, again.name, again.guest_key), (ben.pk, "Ben", ""))
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        self.assertTrue(gus.is_guest)
        self.assertGreaterEqual(len(gus.guest_key), 32)

    def test_a_name_is_taken_whatever_its_letter_case(self) -> None:
        with self.assertRaises(nights.NameTaken):
            nights.join_night(night=self.night, name="ANA", user=None)

    def test_the_room_holds_eight(self) -> None:
        for number in range(MAX_PARTICIPANTS - 1):
            nights.join_night(night=self.night, name=f"Guest {number}", user=None)
        with self.assertRaises(nights.NightFull):
            nights.join_night(night=self.night, name="The ninth", user=None)
        self.assertEqual(self.night.participants.count(), 8)

    def test_nobody_joins_a_room_that_was_closed_meanwhile(self) -> None:
        Night.objects.filter(pk=self.night.pk).delete()
        with self.assertRaises(Night.DoesNotExist):
            nights.join_night(night=self.night, name="Ben", user=self.bob)

    def test_nothing_is_written_for_whoever_was_removed_meanwhile(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        NightParticipant.objects.filter(pk=gus.pk).delete()
        with self.assertRaises(NightParticipant.DoesNotExist):
            nights.veto_movie(participant=gus, movie=movie(10))
        with self.assertRaises(NightParticipant.DoesNotExist):
            nights.rate_as_guest(participant=gus, stars={10: 4.0})
        Night.objects.filter(pk=self.night.pk).delete()
        with self.assertRaises(Night.DoesNotExist):
            nights.pick_movie(night=self.night, movie=movie(10))
        nights.allow_seen_movies(night=self.night, allow=True)
        self.assertFalse(Night.objects.exists())

    def test_everybody_has_two_vetoes_which_can_be_taken_back(self) -> None:
        self.assertEqual(VETOES_EACH, 2)
        self.assertEqual(nights.veto_movie(participant=self.ana, movie=movie(10)), 1)
        self.assertEqual(nights.veto_movie(participant=self.ana, movie=movie(10)), 1)
        self.assertEqual(nights.veto_movie(participant=self.ana, movie=movie(20)), 0)
        with self.assertRaises(nights.NoVetoLeft):
            nights.veto_movie(participant=self.ana, movie=movie(30))
        self.assertTrue(nights.take_veto_back(participant=self.ana, movie=movie(10)))
        self.assertFalse(nights.take_veto_back(participant=self.ana, movie=movie(10)))
        self.assertEqual(nights.veto_movie(participant=self.ana, movie=movie(30)), 0)
        ben = nights.join_night(night=self.night, name="Ben", user=self.bob)
        self.assertFalse(nights.take_veto_back(participant=ben, movie=movie(30)))

    def test_a_film_is_picked_once_and_can_be_taken_back(self) -> None:
        self.assertTrue(nights.pick_movie(night=self.night, movie=movie(10)))
        self.assertFalse(nights.pick_movie(night=self.night, movie=movie(10)))
        self.assertTrue(nights.take_pick_back(night=self.night, movie=movie(10)))
        self.assertFalse(nights.take_pick_back(night=self.night, movie=movie(10)))

    def test_a_room_remembers_only_so_many_picks(self) -> None:
        for number in range(nights.MAX_PICKS):
            nights.pick_movie(night=self.night, movie=movie(10 * (number + 1)))
        with self.assertRaises(nights.TooManyPicks):
            nights.pick_movie(night=self.night, movie=movie(600))

    def test_a_guests_rating_is_replaced_and_removed(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        self.assertEqual(nights.rate_as_guest(participant=gus, stars={10: 4.0, 20: 1.5, 30: None}), 2)
        self.assertEqual(nights.rate_as_guest(participant=gus, stars={10: 2.0, 20: None}), 1)
        self.assertEqual(list(gus.ratings.values_list("movie_id", "value")), [(10, 2.0)])
        with self.assertRaises(IntegrityError), transaction.atomic():
            nights.rate_as_guest(participant=gus, stars={10: 2.2})

    def test_every_change_counts_the_revision_up(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        seen = [self.revision()]
        for change in (
            lambda: nights.veto_movie(participant=gus, movie=movie(10)),
            lambda: nights.take_veto_back(participant=gus, movie=movie(10)),
            lambda: nights.pick_movie(night=self.night, movie=movie(10)),
            lambda: nights.take_pick_back(night=self.night, movie=movie(10)),
            lambda: nights.rate_as_guest(participant=gus, stars={10: 2.0}),
            lambda: nights.allow_seen_movies(night=self.night, allow=True),
            lambda: nights.leave_night(participant=gus),
        ):
            change()
            seen.append(self.revision())
        self.assertEqual(seen, list(range(seen[0], seen[0] + 8)))

    def test_whoever_is_removed_cannot_come_back_by_the_old_link(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        token, code = self.night.token, self.night.code
        nights.remove_participant(participant=gus)
        self.night.refresh_from_db()
        self.assertNotIn(token, (self.night.token,))
        self.assertNotEqual(code, self.night.code)
        self.assertFalse(NightParticipant.objects.filter(pk=gus.pk).exists())

    def test_everything_goes_with_an_expired_room(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        nights.rate_as_guest(participant=gus, stars={10: 2.0})
        nights.veto_movie(participant=gus, movie=movie(20))
        nights.pick_movie(night=self.night, movie=movie(30))
        self.assertEqual(nights.delete_expired_nights(), 0)
        Night.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertEqual(nights.delete_expired_nights(), 1)
        for model in (Night, NightParticipant, NightRating, NightVeto, NightPick):
            self.assertFalse(model.objects.exists(), model)

    def test_an_accounts_deletion_takes_its_participation_and_its_rooms_with_it(self) -> None:
        ben = nights.join_night(night=self.night, name="Ben", user=self.bob)
        nights.veto_movie(participant=ben, movie=movie(20))
        User.objects.get(pk=self.bob.pk).delete()
        self.assertEqual([one.name for one in self.night.participants.all()], ["Ana"])
        self.assertFalse(NightVeto.objects.exists())
        nights.join_night(night=self.night, name="Gus", user=None)
        User.objects.get(pk=self.alice.pk).delete()
        self.assertFalse(Night.objects.exists())
        self.assertFalse(NightParticipant.objects.exists())

    def test_staff_can_delete_an_account_that_is_in_a_room(self) -> None:
        ben = nights.join_night(night=self.night, name="Ben", user=self.bob)
        nights.veto_movie(participant=ben, movie=movie(20))
        nights.pick_movie(night=self.night, movie=movie(30))
        self.client.force_login(User.objects.create_superuser("root"))
        for user in (self.bob, self.alice):
            self.client.post(f"/admin/cinema/user/{user.pk}/delete/", {"post": "yes"})
            self.assertFalse(User.objects.filter(pk=user.pk).exists())

    def test_the_admin_shows_no_link_code_or_key(self) -> None:
        gus = nights.join_night(night=self.night, name="Gus", user=None)
        self.client.force_login(User.objects.create_superuser("root"))
        for path in (f"night/{self.night.pk}", f"nightparticipant/{gus.pk}"):
            page = self.client.get(f"/admin/cinema/{path}/change/").content.decode()
            for secret in (self.night.token, self.night.code, gus.guest_key):
                self.assertNotIn(secret, page)
