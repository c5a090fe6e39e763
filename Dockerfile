# One image for both parts of the site; compose.yaml says which one a container is.
FROM python:3.12-slim-bookworm

# pg_dump and pg_restore, which backups need. They must not be older than the server.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

COPY . .
ENV PYTHONUNBUFFERED=1 CINEMA_VAR=/var/lib/cinema CINEMA_STATIC=/app/collected
# The key that settings make where there is none belongs to this step and goes with it.
RUN CINEMA_VAR=/tmp/building python manage.py collectstatic --no-input \
 && rm -rf /tmp/building \
 && python -m compileall -q cinema recommender mlops

RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin cinema \
 && install --directory --owner=cinema --group=cinema --mode=0700 /var/lib/cinema
USER cinema
VOLUME /var/lib/cinema
EXPOSE 5000
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "up", "--host", "0.0.0.0", "--port", "5000"]
