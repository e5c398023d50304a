# The server as one image: hash-pinned packages and the project's own wheel in a virtual environment.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/base.txt requirements/build.txt requirements/
RUN python -m venv /opt/kos \
    && /opt/kos/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt \
    && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY kos_client kos_client
COPY migrations migrations
COPY recount recount
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/kos/bin/pip install --no-cache-dir --no-deps --no-index /wheels/kos_live-*.whl

FROM python:3.13-slim
# /data holds the SQLite database of an installation that has no PostgreSQL.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data kos \
    && install --directory --owner=kos --group=kos /data
COPY --from=build /opt/kos /opt/kos
ENV PATH=/opt/kos/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KOS_DATABASE_URL=sqlite+aiosqlite:////data/kos.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["kos", "serve", "--host", "0.0.0.0", "--port", "8000"]
