"""The site's own pages."""

from __future__ import annotations

from django.urls import path

from cinema import account_views, night_views, views

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
    # Movie nights
    path("night", night_views.nights, name="nights"),
    path("night/open", night_views.open_room, name="night-open"),
    path("night/code", night_views.code, name="night-code"),
    path("night/join/<str:token>", night_views.join, name="night-join"),
    path("night/<int:night_id>", night_views.room, name="night"),
    path("night/<int:night_id>/ratings", night_views.guest_ratings, name="night-ratings"),
    path("night/<int:night_id>/veto", night_views.veto, name="night-veto"),
    path("night/<int:night_id>/watched", night_views.watched, name="night-watched"),
    path("night/<int:night_id>/leave", night_views.leave, name="night-leave"),
    path("night/<int:night_id>/seen", night_views.seen, name="night-seen"),
    path("night/<int:night_id>/remove", night_views.remove, name="night-remove"),
    path("night/<int:night_id>/close", night_views.close, name="night-close"),
]
