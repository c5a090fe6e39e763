"""The site's own pages."""

from __future__ import annotations

from django.urls import path, re_path

from cinema import account_views, home_views, import_views, mydata_views, start_views, views

app_name = "cinema"

urlpatterns = [
    path("", home_views.home, name="home"),
    path("rails/<str:key>", home_views.rail, name="rail"),
    path("movies", views.movies, name="movies"),
    path("movies/<int:movie_id>", views.movie, name="movie"),
    path("movies/<int:movie_id>/rating", views.rate, name="rate"),
    path("my/ratings", views.my_ratings, name="my-ratings"),
    path("my/discovery", account_views.discovery, name="discovery"),
    path("posters/<int:movie_id>-<slug:digest>.svg", views.poster, name="poster"),
    re_path(r"^art/(?P<digest>[0-9a-f]{32})$", views.art, name="art"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("sign-in", account_views.sign_in, name="sign-in"),
    path("sign-up", account_views.sign_up, name="sign-up"),
    path("sign-out", account_views.sign_out, name="sign-out"),
    # First minutes
    path("start", start_views.start, name="start"),
    path("start/rate", start_views.start_rate, name="start-rate"),
    path("start/skip", start_views.start_skip, name="start-skip"),
    path("start/list", start_views.start_list, name="start-list"),
    # My data
    path("my/data", mydata_views.my_data, name="my-data"),
    path("my/data/export.json", mydata_views.export_json, name="export-json"),
    path("my/data/export.zip", mydata_views.export_csv, name="export-csv"),
    path("my/data/import", import_views.bring, name="import"),
    path("my/data/import/review", import_views.review, name="import-review"),
    path("my/data/import/undo", import_views.undo, name="import-undo"),
    path("my/data/import/discard", import_views.discard, name="import-discard"),
    path("my/account/delete", mydata_views.delete, name="account-delete"),
    path("account-deleted", mydata_views.deleted, name="account-deleted"),
]
