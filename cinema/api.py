"""The API of films, ratings and oneself."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import (
    ControlsMixin,
    DiscoveryField,
    Pages,
    Query,
    StarsField,
    YearRangeMixin,
    signed_in,
    throttle,
    throttled,
)
from cinema.controls import Settings, controls_of, reset_controls, save_controls
from cinema.models import Movie, Rating, User
from cinema.ratings import unrate_movie
from cinema.receipts import rate_with_receipt
from recommender.catalogue import genre_names


class MovieSerializer(serializers.Serializer[Movie]):
    movie_id = serializers.IntegerField(source="pk")
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.SerializerMethodField()
    rating_count = serializers.IntegerField(source="n_ratings")

    def get_genres(self, movie: Movie) -> list[str]:
        return genre_names(movie)


class MovieDetailSerializer(MovieSerializer):
    average_rating = serializers.SerializerMethodField(
        help_text="Null while fewer than five people have rated the film."
    )

    def get_average_rating(self, movie: Movie) -> float | None:
        average: float | None = movie.rating_summary()["average"]
        return average


class MovieQuery(YearRangeMixin, Query):
    search = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


class MovieListView(generics.ListAPIView[Movie]):
    """The catalogue, most rated films first."""

    permission_classes = [AllowAny]
    serializer_class = MovieSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Movie]:
        if getattr(self, "swagger_fake_view", False):
            return Movie.objects.none()
        query = MovieQuery.read(self.request)
        return Movie.objects.all().matching(**query).most_rated_first().prefetch_related("genres")

    @extend_schema(parameters=[MovieQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MovieDetailView(generics.RetrieveAPIView[Movie]):
    """One film."""

    permission_classes = [AllowAny]
    serializer_class = MovieDetailSerializer
    lookup_url_kwarg = "movie_id"

    def get_queryset(self) -> QuerySet[Movie]:
        return Movie.objects.all().with_rating_counts().prefetch_related("genres")


class RatingSerializer(serializers.ModelSerializer[Rating]):
    movie_id = serializers.IntegerField(read_only=True)
    title = serializers.CharField(source="movie.title", read_only=True)

    class Meta:
        model = Rating
        fields = ["movie_id", "title", "value", "rated_at", "changed_at"]


class RatingListView(generics.ListAPIView[Rating]):
    """One's own ratings, newest first."""

    serializer_class = RatingSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Rating]:
        if getattr(self, "swagger_fake_view", False):
            return Rating.objects.none()
        return Rating.objects.of(signed_in(self.request)).select_related("movie")


class RatingInput(serializers.Serializer[Any]):
    value = StarsField()


class FilmNameSerializer(serializers.Serializer[Any]):
    movie_id = serializers.IntegerField()
    title = serializers.CharField()


class ReceiptSerializer(serializers.Serializer[Any]):
    learned_in_ms = serializers.FloatField()
    model_version = serializers.CharField(allow_null=True)
    entered = FilmNameSerializer(many=True)
    left = FilmNameSerializer(many=True)


class RatedSerializer(RatingSerializer):
    receipt = ReceiptSerializer()

    class Meta(RatingSerializer.Meta):
        fields = [*RatingSerializer.Meta.fields, "receipt"]


class RatingView(APIView):
    """One's own rating of one film."""

    @extend_schema(request=RatingInput, responses={200: RatedSerializer, 201: RatedSerializer})
    def put(self, request: Request, movie_id: int) -> Response:
        """Rate the film. Sending the same again changes nothing; the receipt says what the list learned."""
        user = signed_in(request)
        data = RatingInput(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            movie = Movie.objects.titled(movie_id)
        except Movie.DoesNotExist:
            raise Http404 from None
        # Counted where the rating is written: for another transaction it would stand in the writers' queue twice.
        admit = throttled("rating", str(user.pk))
        receipt = rate_with_receipt(user=user, movie=movie, value=data.validated_data["value"], admit=admit)
        rating = receipt.rating
        assert rating is not None
        return Response(
            {
                "movie_id": movie.pk,
                "title": movie.title,
                "value": rating.value,
                "rated_at": rating.rated_at,
                "changed_at": rating.changed_at,
                "receipt": receipt.as_dict(),
            },
            status=status.HTTP_201_CREATED if receipt.created else status.HTTP_200_OK,
        )

    @extend_schema(responses={204: OpenApiResponse(description="There is no rating any more.")})
    def delete(self, request: Request, movie_id: int) -> Response:
        """Take the rating back."""
        user = signed_in(request)
        movie = get_object_or_404(Movie, pk=movie_id)
        throttle("rating", str(user.pk))
        unrate_movie(user=user, movie=movie)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ControlsSerializer(ControlsMixin):
    """All five."""


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    is_staff = serializers.BooleanField()
    discovery = DiscoveryField(
        allow_null=True, help_text="Places in ten of one's lists for discoveries; null: as many as the version chose."
    )
    controls = serializers.SerializerMethodField()

    @extend_schema_field(ControlsSerializer)
    def get_controls(self, user: User) -> Settings:
        return controls_of(user)


class MeInput(serializers.Serializer[Any]):
    discovery = DiscoveryField(allow_null=True, required=False)
    controls = ControlsSerializer(
        allow_null=True, required=False, help_text="Those that are left out stay as they are; null resets all."
    )


class MeView(APIView):
    """Who I am, and what I chose for my lists."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(signed_in(request)).data)

    @extend_schema(request=MeInput, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Choose for one's own lists. What is left out stays as it is."""
        user = signed_in(request)
        data = MeInput(data=request.data)
        data.is_valid(raise_exception=True)
        if "discovery" in data.validated_data:
            user.choose_discovery(data.validated_data["discovery"])
        if "controls" in data.validated_data:
            if data.validated_data["controls"] is None:
                reset_controls(user=user)
            else:
                save_controls(user=user, **data.validated_data["controls"])
        return Response(MeSerializer(user).data)
