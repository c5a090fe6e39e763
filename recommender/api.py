"""The API of lists, explanations, versions and rollback."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import ControlsMixin, IdListField, Query, SinceInQueryField, YearRangeMixin, signed_in
from cinema.models import CONTROL_RANGES, MAX_DISCOVERIES, Movie, User
from cinema.problems import Problem
from recommender.catalogue import Filters
from recommender.explain import NoExplanation, explain_for
from recommender.histories import wishes
from recommender.recommend import MAX_N, DiscoveryChoice
from recommender.remembered import list_for
from recommender.served import API, note_list
from recommender.similar import similar_movies


class PartsSerializer(serializers.Serializer[Any]):
    ranker = serializers.FloatField(help_text="What the films that the person rated say for this one.")
    rating_model = serializers.FloatField(help_text="How much more than an average film they will like it.")
    network = serializers.FloatField(help_text="What a neural network adds; 0 where the version asks none.")


class RecommendationSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    predicted_rating = serializers.FloatField(allow_null=True)
    score = serializers.FloatField(
        help_text="What the list is sorted by, controls included; where diversity is chosen, by that as well."
    )
    rank = serializers.IntegerField()
    slot = serializers.ChoiceField(
        ["ranked", "discovery", "fallback", "explored"],
        help_text="explored: by lot among the next best, where the site does that (it does not unless staff asks).",
    )
    parts = PartsSerializer(
        allow_null=True,
        help_text="Which model put it there; null where the list is not personal. What of the score is neither's word "
        "was added by controls.",
    )
    arm = serializers.CharField(
        allow_null=True, help_text="Where an experiment mixes two versions in each list: whose place it is."
    )


class AppliedControlsSerializer(ControlsMixin):
    """The controls that were applied to the list; neutral where they were not."""

    note = serializers.ChoiceField(
        ["nothing_since", "not_personal"],
        allow_null=True,
        help_text="Why some were not: no rating is of that year or later; the list is not personal.",
    )


class RecommendationListSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    model_version = serializers.CharField(allow_null=True)
    generation = serializers.IntegerField()
    fallback = serializers.BooleanField(help_text="True where the list is not personal.")
    items = RecommendationSerializer(many=True)
    controls = AppliedControlsSerializer()
    experiment = serializers.IntegerField(allow_null=True, help_text="The running experiment that the list counts for.")
    arm = serializers.CharField(allow_null=True, help_text="Its arm that made the list; null where each item has one.")


class ListQuery(YearRangeMixin, ControlsMixin, Query):
    n = serializers.IntegerField(required=False, default=10, min_value=1, max_value=MAX_N)
    since = SinceInQueryField(
        required=False, allow_null=True, help_text="Ratings of earlier years do not count; empty: all of them do."
    )
    exclude = IdListField(required=False, default="", allow_blank=True, help_text="Film ids separated by commas.")
    discovery = serializers.ChoiceField(
        ["auto", *(str(n) for n in range(MAX_DISCOVERIES + 1))],
        required=False,
        help_text="Places in ten for films that hardly anybody is shown; auto: as many as the version chose. "
        "Without it, as many as the person chose.",
    )

    def validate_discovery(self, value: str) -> DiscoveryChoice:
        return "auto" if value == "auto" else int(value)


class CountQuery(Query):
    n = serializers.IntegerField(required=False, default=10, min_value=1, max_value=MAX_N)


def visible_user(request: Request, user_id: int) -> User:
    """The user with that id, for themselves and for staff; for all others they do not exist."""
    asking = signed_in(request)
    if asking.pk == user_id:
        return asking
    if not asking.is_staff:
        raise Http404
    return get_object_or_404(User, pk=user_id)


class RecommendationsView(APIView):
    """What to watch next."""

    @extend_schema(parameters=[ListQuery], responses=RecommendationListSerializer)
    def get(self, request: Request, user_id: int) -> Response:
        user = visible_user(request, user_id)
        wanted = ListQuery.read(request)
        given = {name: wanted.pop(name) for name in (*CONTROL_RANGES, "since") if name in wanted}
        controls = replace(wishes(user).controls, **given) if given else None
        filters = Filters(**{name: wanted.pop(name) for name in ("genre", "year_min", "year_max")})
        listed = list_for(user, controls=controls, filters=filters, **wanted)
        note_list(listed, API if user == request.user else None, user)
        # No serializer for each item: the answer is built on every page view.
        return Response(listed.as_dict())


class ContributionSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()
    your_rating = serializers.FloatField()
    contribution = serializers.FloatField(help_text="This rating's share of the sum, in stars.")


class WithoutItSerializer(serializers.Serializer[Any]):
    predicted_rating = serializers.FloatField()
    rank = serializers.IntegerField(help_text="Place among the same films as order.rank.")


class NamedFilmSerializer(ContributionSerializer):
    without_it = WithoutItSerializer(help_text="What would be had this film not been rated, solved afresh.")


class BreakdownSerializer(serializers.Serializer[Any]):
    base = serializers.FloatField()
    film = serializers.FloatField()
    you = serializers.FloatField()
    your_ratings = serializers.FloatField()
    clipped = serializers.FloatField()
    total = serializers.FloatField()


class ContributionOfBothSerializer(ContributionSerializer):
    watched = serializers.FloatField(help_text="What of the contribution is that the person chose to watch it.")
    rated = serializers.FloatField(help_text="And what is how they rated it.")
    order_contribution = serializers.FloatField(help_text="This rating's share of the place in a list.")


class MomentPartSerializer(serializers.Serializer[Any]):
    when = serializers.CharField(help_text="weekend evening, device: phone, place: home …")
    genre = serializers.CharField(allow_null=True, help_text="Null: of the film itself.")
    amount = serializers.FloatField()


class RescoredSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()
    your_rating = serializers.FloatField()
    change = serializers.FloatField(help_text="What the network's word would lose without this rating, scored again.")


class NetworkSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(help_text="The network's part of the score.")
    rescored = RescoredSerializer(many=True, help_text="Scored again without each; these need not add up.")


class OrderSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField(
        allow_null=True,
        help_text="Place among all films that the person has not rated, before controls and discoveries; "
        "null for a film that came after the training.",
    )
    score = serializers.FloatField(help_text="What lists are sorted by, before controls, discoveries and the moment.")
    tie_break = serializers.FloatField()
    network = NetworkSerializer(allow_null=True, help_text="Null where the version asks no neural network.")
    moment = MomentPartSerializer(
        many=True, help_text="What the moment adds to the score; empty where the version makes nothing of it."
    )
    movies = NamedFilmSerializer(many=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """Which fields a reason has depends on its type."""

    type = serializers.ChoiceField(["similar_movies", "genre_match", "similar_users"])
    description = serializers.CharField()
    movies = NamedFilmSerializer(many=True, required=False)
    genres = serializers.ListField(child=serializers.CharField(), required=False)
    match_score = serializers.FloatField(required=False)
    count = serializers.IntegerField(required=False)
    average_rating = serializers.FloatField(required=False)


class ExplanationSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    movie_title = serializers.CharField()
    predicted_rating = serializers.FloatField()
    confidence = serializers.FloatField(help_text="Probability that the true rating is within one star.")
    interval = serializers.ListField(child=serializers.FloatField(), help_text="Holds the true rating in 90 of 100.")
    model_version = serializers.CharField()
    reasons = ReasonSerializer(many=True)
    breakdown = BreakdownSerializer()
    order = OrderSerializer()
    contributions = ContributionOfBothSerializer(many=True, required=False)


class ExplainQuery(Query):
    all = serializers.ChoiceField(["0", "1"], required=False, default="0", help_text="1 lists every rated film.")


class ExplainView(APIView):
    """Why a film is predicted as it is: an exact sum, reasons, and how sure."""

    @extend_schema(parameters=[ExplainQuery], responses=ExplanationSerializer)
    def get(self, request: Request, user_id: int, movie_id: int) -> Response:
        user = visible_user(request, user_id)
        movie = get_object_or_404(Movie, pk=movie_id)
        query = ExplainQuery.read(request)
        try:
            explanation = explain_for(user, movie, all_contributions=query["all"] == "1")
        except NoExplanation as error:
            raise Problem(status=503, code="no_model", detail=str(error), retry_after=10) from error
        return Response(explanation)


class SimilarityReasonSerializer(serializers.Serializer[Any]):
    """Which fields a reason has depends on its type."""

    type = serializers.ChoiceField(["shared_raters", "shared_genres"])
    description = serializers.CharField()
    count = serializers.IntegerField(required=False, help_text="People who rated both, from five on.")
    liked = serializers.IntegerField(required=False, help_text="Those who gave both 4 stars or more, from five on.")
    genres = serializers.ListField(child=serializers.CharField(), required=False)


class SimilarMovieSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    similarity = serializers.FloatField()
    reasons = SimilarityReasonSerializer(many=True)


class SimilarListSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    model_version = serializers.CharField(allow_null=True)
    items = SimilarMovieSerializer(many=True)


class SimilarView(APIView):
    """Films like this one. Empty while fewer than five people have rated it."""

    @extend_schema(parameters=[CountQuery], responses=SimilarListSerializer)
    def get(self, request: Request, movie_id: int) -> Response:
        movie = get_object_or_404(Movie, pk=movie_id)
        query = CountQuery.read(request)
        similar = similar_movies(movie, n=query["n"])
        return Response(
            {
                "movie_id": movie.pk,
                "model_version": similar.model_version,
                "items": [asdict(item) for item in similar.items],
            }
        )
