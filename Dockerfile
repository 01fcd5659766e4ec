# One image for each process: docker build --target edge|gateway|cloud .
# The last stages begin with nothing: what is in them is what scripts/image_root.py collects, and no shell is among it.
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS source
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY scripts/lock_subset.py scripts/image_root.py scripts/
COPY deploy/build-venv.sh deploy/
COPY winnow winnow

FROM source AS edge-build
RUN deploy/build-venv.sh edge /opt/winnow && /opt/winnow/bin/python3 scripts/image_root.py /opt/winnow /image

FROM source AS gateway-build
RUN deploy/build-venv.sh gateway /opt/winnow && /opt/winnow/bin/python3 scripts/image_root.py /opt/winnow /image

FROM source AS cloud-build
RUN deploy/build-venv.sh cloud /opt/winnow && /opt/winnow/bin/python3 scripts/image_root.py /opt/winnow /image

FROM scratch AS edge
COPY --from=edge-build /image /
# Once more, for its owner: the one directory that the process may write to.
COPY --from=edge-build --chown=10001:10001 /image/var/lib/winnow /var/lib/winnow
ENV PATH=/opt/winnow/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/winnow
# A fixed number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Healthy while at least one camera delivers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9464/healthz', timeout=3)"]
ENTRYPOINT ["winnow"]
CMD ["run", "-c", "/etc/winnow/edge.yaml"]

FROM scratch AS gateway
COPY --from=gateway-build /image /
COPY --from=gateway-build --chown=10001:10001 /image/var/lib/winnow /var/lib/winnow
ENV PATH=/opt/winnow/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/winnow
USER 10001:10001
ENTRYPOINT ["winnow"]
CMD ["gateway", "-c", "/etc/winnow/gateway.yaml"]

FROM scratch AS cloud
COPY --from=cloud-build /image /
COPY --from=cloud-build --chown=10001:10001 /image/var/lib/winnow /var/lib/winnow
ENV PATH=/opt/winnow/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/winnow
USER 10001:10001
ENTRYPOINT ["winnow"]
CMD ["sink", "-c", "/etc/winnow/sink.yaml"]
