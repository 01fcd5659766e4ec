# One image for each process: docker build --target edge|gateway|cloud .
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS base
# A fixed numeric user, so that an orchestrator can see that it is not root, and a directory it may write to.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/winnow --create-home winnow
ENV PATH=/opt/winnow/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/winnow

FROM python:${PYTHON_VERSION}-slim AS source
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY scripts/lock_subset.py scripts/
COPY deploy/build-venv.sh deploy/
COPY winnow winnow

FROM source AS edge-build
RUN deploy/build-venv.sh edge /opt/winnow

FROM source AS gateway-build
RUN deploy/build-venv.sh gateway /opt/winnow

FROM source AS cloud-build
RUN deploy/build-venv.sh cloud /opt/winnow

FROM base AS edge
COPY --from=edge-build /opt/winnow /opt/winnow
USER 10001:10001
# Healthy while at least one camera delivers. No shell takes part in this image's life.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=3)"]
ENTRYPOINT ["winnow"]
CMD ["run", "-c", "/etc/winnow/edge.yaml"]

FROM base AS gateway
COPY --from=gateway-build /opt/winnow /opt/winnow
USER 10001:10001
ENTRYPOINT ["winnow"]
CMD ["gateway", "-c", "/etc/winnow/gateway.yaml"]

FROM base AS cloud
COPY --from=cloud-build /opt/winnow /opt/winnow
USER 10001:10001
ENTRYPOINT ["winnow"]
CMD ["sink", "-c", "/etc/winnow/sink.yaml"]
