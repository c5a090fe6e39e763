"""One settings file, fed by the environment. A value that cannot be understood stops the start.

CINEMA_PRODUCTION=1 is the one switch between a machine of one's own (loopback only, key made on
first start) and the network (key and hosts from the environment, HTTPS, secure cookies).
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from cinema import __version__
from cinema.redis_settings import caches, redis_prefix
from cinema.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent


def envbool(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false.")


def envint(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from error


def envlist(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


PRODUCTION = envbool("CINEMA_PRODUCTION", False)
DEBUG = envbool("DEBUG", False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG and CINEMA_PRODUCTION exclude each other: DEBUG shows source code to visitors.")

# Where a test lets a process die (cinema.fault_points).
FAULT_POINT = os.environ.get("CINEMA_FAULT_POINT", "")
if FAULT_POINT and (PRODUCTION or not envbool("CINEMA_TESTING", False)):
    raise ImproperlyConfigured("CINEMA_FAULT_POINT kills processes. It is for tests, which set CINEMA_TESTING=1.")

# Everything mutable lives under VAR_DIR, so that a backup is one folder.
VAR_DIR = Path(os.environ.get("CINEMA_VAR") or BASE_DIR / "var").resolve()
# What all hosts of a site must see alike: model files, posters, logs of runs, the key, the first passwords.
SHARED_DIR = Path(os.environ.get("CINEMA_SHARED") or VAR_DIR).resolve()
ARTIFACTS_DIR = SHARED_DIR / "artifacts"
# Compiled training kernels, with the rest of what is mutable: the code may lie on a disk that cannot be written.
os.environ.setdefault("NUMBA_CACHE_DIR", str(VAR_DIR / "numba"))


SECRET_KEY = secret_key(SHARED_DIR, production=PRODUCTION)
ALLOWED_HOSTS = envlist("ALLOWED_HOSTS")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("CINEMA_PRODUCTION is on and ALLOWED_HOSTS is not set: name the site's host names.")
if not PRODUCTION:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "cinema",
    "recommender",
    "mlops",  # before django_q: its qcluster command adds the heartbeat
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "template_partials.apps.SimpleAppConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mlops.serving_middleware.ServingMiddleware",
    "cinema.http.DatabaseTroubleMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cinema.http.PageLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cinema.http.PrivateByDefaultMiddleware",
    "cinema.http.OneVersionMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it replaces the view's answer to an attempt at a closed door
]

ROOT_URLCONF = "cinema.urls"
WSGI_APPLICATION = "cinema.wsgi.application"
APPEND_SLASH = False  # API paths carry no trailing slash; a redirect would lose a POST's body

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["template_partials.templatetags.partials", "django_htmx.templatetags.django_htmx"],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Settings of the database at ``url``: empty for var/db.sqlite3, else postgresql://user:password@host/name."""
    if not url:
        return {
            "ENGINE": "cinema.sqlite",
            "NAME": VAR_DIR / "db.sqlite3",
            "CONN_MAX_AGE": None,  # an open connection still reads when the disk is full
            "OPTIONS": {
                "timeout": 15,
                # Without IMMEDIATE a transaction that reads before it writes fails at once under WAL.
                "transaction_mode": "IMMEDIATE",
                # FULL: what was acknowledged survives a power cut.
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA mmap_size=134217728;"
                "PRAGMA cache_size=-20000;PRAGMA journal_size_limit=67108864;",
            },
            # A file, not memory: only a file shows how connections of several threads and processes meet.
            "TEST": {"NAME": os.environ.get("CINEMA_TEST_DB") or VAR_DIR / "test.sqlite3"},
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL: {parts.scheme!r} is not supported. Leave it empty or use postgresql."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Who waits for a lock as long as on SQLite is told to come again.
        "OPTIONS": {"connect_timeout": 3, "options": "-c lock_timeout=15s", **dict(parse_qsl(parts.query))},
    }


DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# For what may be lost: throttles and caches. The queue, sessions and wrong passwords stay in the database.
REDIS_URL = os.environ.get("REDIS_URL", "").strip()
REDIS_PREFIX = redis_prefix(SECRET_KEY, DATABASES["default"]["NAME"])
CACHES = caches(REDIS_URL, REDIS_PREFIX)

AUTH_USER_MODEL = "cinema.User"
# The first counts failures and shuts the door; the second looks at the password.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # accounts from before Argon2, until they next sign in
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "cinema.credentials.FirstPasswordWatch"},  # refuses nothing: it hears of every change
]
# A link that an operator hands out works once, for this long.
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "cinema:sign-in"
LOGIN_REDIRECT_URL = "cinema:home"
LOGOUT_REDIRECT_URL = "cinema:home"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# Numbers with a point in every language, or drawings would be written with commas; pages put the comma themselves.
FORMAT_MODULE_PATH = ["cinema.formats"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
TIME_ZONE = "UTC"
# Where people's clocks are, for what lists make of the hour; pages and logs stay in UTC.
LOCAL_TIME_ZONE = os.environ.get("LOCAL_TIME_ZONE", "").strip() or "UTC"
try:
    ZoneInfo(LOCAL_TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError) as error:
    raise ImproperlyConfigured(f"LOCAL_TIME_ZONE={LOCAL_TIME_ZONE!r} is no time zone, such as Europe/Paris.") from error
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# CINEMA_STATIC: collected beforehand, as in a container's image; `up` then leaves it alone.
STATIC_READY = bool(os.environ.get("CINEMA_STATIC"))
STATIC_ROOT = Path(os.environ.get("CINEMA_STATIC") or VAR_DIR / "static").resolve()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Sessions and messages
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "cinema.http.csrf_failure"

# HTTPS: all of it hangs on the one switch.
SECURE_SSL_REDIRECT = PRODUCTION
SESSION_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# How many reverse proxies stand in front. 0 means that X-Forwarded-* comes from the client and is not believed.
TRUSTED_PROXIES = envint("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A probe inside the machine speaks plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

# Five wrong passwords for one name from one address, and that door stays shut to both for a quarter of an hour, to the
# right password too. Counted in the database: any number of processes count together.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "cinema.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "cinema.account_views.locked_out"
AXES_USERNAME_CALLABLE = "cinema.lockout.name_of"
AXES_DISABLE_ACCESS_LOG = True  # who signed in is in the audit log, without address and browser
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# Where the engine spark trains: Spark's own name for a master. Its executors must see SPARK_EXCHANGE, a path or a URL;
# empty is a folder in var, which is right where they are this machine's. Who does not answer for so long is given up.
SPARK_MASTER = os.environ.get("SPARK_MASTER", "").strip() or "local[2]"
SPARK_EXCHANGE = os.environ.get("SPARK_EXCHANGE", "").strip()
SPARK_WAIT_SECONDS = envint("SPARK_WAIT_SECONDS", 60)

# Real posters and summaries, fetched by a background job. Without a key posters are drawn and nothing is asked.
TMDB_API_KEY = os.environ.get("TMDB_API_KEY", "").strip()
TMDB_API = "https://api.themoviedb.org/3"
TMDB_IMAGES = "https://image.tmdb.org/t/p/w500"

REST_FRAMEWORK = {
    # Token first: the first class decides that an anonymous write gets 401 and not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["cinema.api_format.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "cinema.api_format.BrowsableRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cinema.api_format.LenientNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cinema.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Requests per minute by scope, counted in Redis or the database, so that the limit is the same for any number of
# processes and hosts.
THROTTLE_RATES = {
    "rating": envint("RATINGS_PER_MINUTE", 60),
    "review": envint("REVIEWS_PER_MINUTE", 10),
    "training": envint("TRAININGS_PER_MINUTE", 6),
    # By address, and by name: axes counts their pairs, and whoever guesses from many addresses meets these.
    "sign-in": envint("SIGN_INS_PER_MINUTE", 30),
    "sign-in-name": envint("SIGN_INS_PER_NAME_AND_MINUTE", 20),
    "sign-up": envint("SIGN_UPS_PER_MINUTE", 10),
    "password": envint("PASSWORD_CHANGES_PER_MINUTE", 10),
    "reset-request": envint("RESET_REQUESTS_PER_MINUTE", 5),
    "token": envint("TOKENS_PER_MINUTE", 10),
    "export": envint("EXPORTS_PER_MINUTE", 10),
    "import": envint("IMPORTS_PER_MINUTE", 10),
    "delete-account": envint("ACCOUNT_DELETIONS_PER_MINUTE", 5),
    "night-code": envint("NIGHT_CODES_PER_MINUTE", 10),
    "night-door": envint("NIGHT_DOORS_PER_MINUTE", 20),
    "night": envint("NIGHT_CHANGES_PER_MINUTE", 60),
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=90),  # but the two of the first start: scripts stand on those
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CINÉMA",
    "VERSION": __version__,
    "DESCRIPTION": "Recommendations that learn from every rating, with reasons that add up.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "cinema.api_schema.document_problems",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TrainingStatusEnum": "mlops.models.TrainingRun.Status",
        "VersionStatusEnum": "recommender.models.ModelVersion.Status",
        "ExperimentStatusEnum": "recommender.models.Experiment.Status",
        "ExperimentKindEnum": "recommender.models.Experiment.Kind",
    },
}

# Whether ratings of a crowd of new accounts are kept from pushing a film (cinema.influx). Off is for measuring what it
# prevents, and for a site whose people all came at once.
INFLUX_GUARD = envbool("INFLUX_GUARD", True)

# How often each web process writes what it served to whom, and its counts; 0 for never.
SERVING_FLUSH_SECONDS = envint("SERVING_FLUSH_SECONDS", 5)

# django-q2 executes; mlops.TrainingRun keeps the truth. The figures were found by killing each of its processes.
Q_CLUSTER: dict[str, Any] = {
    "name": "cinema",
    "label": "Background jobs",
    "orm": "default",
    "workers": 2,  # one trains, one stays free for small jobs
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 6 * 3600,
    "retry": 7 * 24 * 3600,  # a task is never redelivered: the sweeper decides what happens to a lost run
    "max_attempts": 1,
    "ack_failures": True,
    "poll": 0.5,
    "guard_cycle": 0.5,  # at 0.1 its hard timeout never fires
    "recycle": 50,
    "catch_up": False,
    "save_limit": 200,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "cinema.logs.OneLineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "WARNING"},
        "cinema": {"level": os.environ.get("LOG_LEVEL", "INFO")},
        "recommender": {"level": os.environ.get("LOG_LEVEL", "INFO")},
        "mlops": {"level": os.environ.get("LOG_LEVEL", "INFO")},
    },
}
