# One image for servers, the worker and commands: docs/operations.md, "Containers".
# `make image-check` takes the same steps without an engine, and looks at what comes out.

# debian:trixie-slim of August 2026, for every architecture. Name a newer one when Debian mends something:
#   docker build --build-arg BASE=debian:trixie-slim@sha256:… .
ARG BASE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f

FROM ${BASE} AS build
# Debian keeps one version of a package, the newest that is safe.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-dev python3-venv gcc libc6-dev libldap-dev libsasl2-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/vestibule
COPY requirements requirements
# Every file that is installed is checked by its hash. What only installs things is no part of the image.
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --no-compile --require-hashes \
        -r requirements/base.txt -r requirements/ldap.txt \
    && .venv/bin/python -m pip uninstall -y pip
COPY . .
# Nothing can be written later, so what Python would keep beside the code is made now.
RUN .venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash . \
    && rm -rf requirements

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 ca-certificates libldap2 libsasl2-2 media-types \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /srv/vestibule --shell /usr/sbin/nologin vestibule
COPY --from=build /srv/vestibule /srv/vestibule
WORKDIR /srv/vestibule
ENV PATH=/srv/vestibule/.venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz/live', timeout=4)"]
CMD ["python", "-m", "idp.server", "--address", "0.0.0.0"]
