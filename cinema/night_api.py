"""The API of movie nights: what a room has found, for the accounts in it."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import signed_in
from cinema.models import Night
from recommender.nights import room_of


class NightLineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    predicted_rating = serializers.FloatField(
        allow_null=True, help_text="Null for whoever has seen it or rated nothing."
    )
    reason = serializers.ChoiceField(
        ["film", "genre", "crowd", "seen", "unknown"],
        help_text="Because of a film or a genre, as most people would, has seen it, has rated nothing yet.",
    )
    about = serializers.CharField(allow_blank=True, help_text="The title or the genre of the reason.")


class NightItemSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField()
    movie_id = serializers.IntegerField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    participants = NightLineSerializer(many=True)


class NightFilmSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()


class NightVetoSerializer(NightFilmSerializer):
    by = serializers.CharField()


class NightSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    participants = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()
    model_version = serializers.CharField(allow_null=True)
    personal = serializers.BooleanField(help_text="False for popular films, where no taste is known.")
    threshold = serializers.FloatField(help_text="Nobody is expected to give a film of the list less.")
    relaxed = serializers.BooleanField(help_text="Whether the threshold had to be lowered to find enough films.")
    next_in_turn = serializers.CharField(allow_blank=True, help_text="Whom the films watched together suited least.")
    items = NightItemSerializer(many=True)
    vetoes = NightVetoSerializer(many=True)
    watched = NightFilmSerializer(many=True)


class NightView(APIView):
    """The list of a movie night, for the accounts in its room."""

    @extend_schema(responses=NightSerializer)
    def get(self, request: Request, night_id: int) -> Response:
        mine = Night.objects.open().filter(participants__user=signed_in(request))
        night = get_object_or_404(mine, pk=night_id)
        room = room_of(night)
        items = [
            {
                "rank": rank,
                "movie_id": item.film.pk,
                "title": item.film.title,
                "year": item.film.year,
                "genres": item.film.genre_names,
                "participants": [
                    {"name": line.name, "predicted_rating": line.stars, "reason": line.reason, "about": line.about}
                    for line in item.lines
                ],
            }
            for rank, item in enumerate(room.choice.items, start=1)
        ]
        return Response(
            {
                "id": night.pk,
                "participants": [participant.name for participant in room.participants],
                "expires_at": night.expires_at,
                "model_version": room.choice.model_version,
                "personal": room.choice.personal,
                "threshold": room.choice.threshold,
                "relaxed": room.choice.is_relaxed,
                "next_in_turn": room.choice.next_in_turn,
                "items": items,
                "vetoes": [
                    {"movie_id": veto.film.pk, "title": veto.film.title, "by": veto.name} for veto in room.vetoes
                ],
                "watched": [{"movie_id": film.pk, "title": film.title} for film in room.picks],
            }
        )
