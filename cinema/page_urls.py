"""The site's own pages."""

from __future__ import annotations

from django.urls import path, re_path

from cinema import (
    account_views,
    controls_views,
    home_views,
    import_views,
    library_views,
    moment_views,
    mydata_views,
    night_views,
    password_views,
    profile_views,
    review_views,
    start_views,
    views,
    what_if_views,
)

app_name = "cinema"

urlpatterns = [
    path("", home_views.home, name="home"),
    path("rails/<str:key>", home_views.rail, name="rail"),
    path("movies", views.movies, name="movies"),
    path("movies/<int:movie_id>", views.movie, name="movie"),
    path("movies/<int:movie_id>/rating", views.rate, name="rate"),
    path("movies/<int:movie_id>/rating/undo", views.undo_rating, name="undo-rating"),
    path("my/ratings", views.my_ratings, name="my-ratings"),
    path("my/discovery", account_views.discovery, name="discovery"),
    path("posters/<int:movie_id>-<slug:digest>.svg", views.poster, name="poster"),
    re_path(r"^art/(?P<digest>[0-9a-f]{32})$", views.art, name="art"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("sign-in", account_views.sign_in, name="sign-in"),
    path("sign-up", account_views.sign_up, name="sign-up"),
    path("sign-out", account_views.sign_out, name="sign-out"),
    path("forgotten-password", password_views.forgotten, name="forgotten-password"),
    path("reset-password/<str:uidb64>/<str:token>", password_views.ResetPassword.as_view(), name="reset-password"),
    path("my/account", password_views.account, name="account"),
    path("my/account/password", password_views.change_password, name="change-password"),
    path("my/account/tokens", password_views.make_token, name="make-token"),
    path("my/account/tokens/revoke", password_views.revoke_token, name="revoke-token"),
    # Shelves, hidden films, reviews
    re_path(r"^movies/(?P<movie_id>[0-9]{1,18})/(?P<shelf>watchlist|favourites)$", library_views.shelve, name="shelve"),
    path("movies/<int:movie_id>/hide", library_views.hide, name="hide"),
    path("movies/<int:movie_id>/unhide", library_views.unhide, name="unhide"),
    re_path(r"^my/(?P<shelf>watchlist|favourites)$", library_views.shelf, name="shelf"),
    path("my/hidden", library_views.hidden, name="hidden"),
    path("my/reviews", review_views.my_reviews, name="my-reviews"),
    path("surprise", library_views.surprise, name="surprise"),
    path("movies/<int:movie_id>/reviews", review_views.reviews, name="reviews"),
    path("movies/<int:movie_id>/review", review_views.write, name="write-review"),
    path("reviews/<int:review_id>/report", review_views.report, name="report-review"),
    path("reviews/<int:review_id>/remove", review_views.remove, name="remove-review"),
    # First minutes
    path("start", start_views.start, name="start"),
    path("start/rate", start_views.start_rate, name="start-rate"),
    path("start/skip", start_views.start_skip, name="start-skip"),
    path("start/list", start_views.start_list, name="start-list"),
    # Controls of lists, and what if one had rated otherwise
    path("my/controls", controls_views.controls, name="controls"),
    path("my/controls/reset", controls_views.reset, name="controls-reset"),
    path("my/controls/moment", moment_views.moment, name="moment"),
    path("my/what-if", what_if_views.what_if, name="what-if"),
    # Looking back
    path("statistics", profile_views.statistics, name="statistics"),
    path("my/taste", profile_views.my_taste, name="my-taste"),
    path("my/year", profile_views.my_year, name="my-latest-year"),
    path("my/year/<int:year>", profile_views.my_year, name="my-year"),
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
