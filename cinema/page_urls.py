"""The site's own pages."""

from __future__ import annotations

from django.urls import path

from cinema import account_views, profile_views, views

app_name = "cinema"

urlpatterns = [
    path("", views.home, name="home"),
    path("movies", views.movies, name="movies"),
    path("movies/<int:movie_id>", views.movie, name="movie"),
    path("movies/<int:movie_id>/rating", views.rate, name="rate"),
    path("my/ratings", views.my_ratings, name="my-ratings"),
    path("my/discovery", account_views.discovery, name="discovery"),
    path("posters/<int:movie_id>-<slug:digest>.svg", views.poster, name="poster"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("sign-in", account_views.sign_in, name="sign-in"),
    path("sign-up", account_views.sign_up, name="sign-up"),
    path("sign-out", account_views.sign_out, name="sign-out"),
    # Looking back
    path("statistics", profile_views.statistics, name="statistics"),
    path("my/taste", profile_views.my_taste, name="my-taste"),
    path("my/year", profile_views.my_year, name="my-latest-year"),
    path("my/year/<int:year>", profile_views.my_year, name="my-year"),
]
