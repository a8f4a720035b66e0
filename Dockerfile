# The host and its packs in a small image: built from source, run by a user of its own who may write to /data alone.
#
#   docker build -t tidegate .
#   docker run -p 8080:8080 -v tidegate:/data -v "$PWD/tidegate.toml:/etc/tidegate/tidegate.toml:ro" tidegate
#
# Works with buildah and podman, too, which keep the health check with `--format docker` only. Both bases are Debian 12: the
# binary needs its C library or a newer one.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# What cargo fetches and compiles outlives the layer, so that a change of the source compiles that alone.
RUN --mount=type=cache,target=/build/target \
    cargo xtask build --release \
    && mkdir /image \
    && cp -r target/release/tidegate target/packs /image/

FROM ${RUN_IMAGE}
# The authorities whose certificates CRM sites show.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin tidegate \
    && install --directory --owner=tidegate --group=tidegate --mode=0700 /data \
    && install --directory /etc/tidegate
COPY --from=build /image/tidegate /usr/local/bin/tidegate
COPY --from=build /image/packs /usr/share/tidegate/packs
ENV TIDEGATE__SERVER__LISTEN=0.0.0.0:8080 \
    TIDEGATE__SERVER__DATA_DIR=/data \
    TIDEGATE__SERVER__PACKS_DIR=/usr/share/tidegate/packs
# Where tidegate.toml is looked for.
WORKDIR /etc/tidegate
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s CMD ["tidegate", "healthcheck"]
ENTRYPOINT ["tidegate"]
CMD ["serve"]
