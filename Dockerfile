# The operator's image, made by `make image`, which puts the wheels into dist/image first; the build itself needs no network.
# The base must have Python and nothing else: Debian's distroless Python by default. Without a registry, release/local_base.py makes one.
ARG BASE=gcr.io/distroless/python3-debian12:nonroot@sha256:4f8b42850389c3d3fc274df755d956448b81d4996d5328551893070e16616f1c

FROM ${BASE} AS build
# This stage makes directories at the root and is thrown away; the last stage runs as 65532.
# hadolint ignore=DL3002
USER 0
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
COPY requirements.lock release/assemble.py /build/
COPY dist/image/ /build/wheels/
RUN ["/usr/bin/python3", "-I", "/build/assemble.py"]

FROM ${BASE}
ARG VERSION=0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="onepassword-operator" \
      org.opencontainers.image.description="Keeps Kubernetes Secrets equal to 1Password items" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /out/ /
ENV PATH=/opt/onepassword-operator/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["/manager"]
