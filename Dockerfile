# InCamera as an image from scratch: one static binary, a user without rights, nothing else.
#
#   docker build -t incamera .    compiles inside, from GO_IMAGE and NODE_IMAGE
#   scripts/image                 packs what `make build` made, with buildah, pulling nothing (stage prebuilt)
#
# /data is the data directory: mount it. Browsers reach the media ports by UDP: use the host's network.
ARG GO_IMAGE=golang:1.26-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

FROM scratch AS base
USER 65532:65532
ENV INCAMERA_DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 8480/tcp 8490/udp
ENTRYPOINT ["/incamera"]
CMD ["serve"]

FROM base AS prebuilt
COPY --chown=65532:65532 rootfs/ /

FROM ${NODE_IMAGE} AS node

FROM ${GO_IMAGE} AS compile
COPY --from=node /usr/local/bin/ /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules/ /usr/local/lib/node_modules/
WORKDIR /src
COPY . .
RUN make build && install -D build/incamera rootfs/incamera && install -d -m 0700 rootfs/data

FROM base
COPY --from=compile --chown=65532:65532 /src/rootfs/ /
