# InCamera as an image from scratch: one static binary, a user without rights, nothing else.
#
#   docker build -t incamera .    compiles inside BUILD_IMAGE, which must hold Go 1.26, make, Node 20 and npm
#   scripts/image                 packs what `make build` made, with buildah, pulling nothing (stage prebuilt)
#
# /data is the data directory: mount it. Browsers reach the media ports by UDP: use the host's network.
ARG BUILD_IMAGE=golang:1.26-bookworm

FROM scratch AS prebuilt
COPY --chown=65532:65532 build/rootfs/ /
USER 65532:65532
ENV INCAMERA_DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 8480/tcp 8490/udp
ENTRYPOINT ["/incamera"]
CMD ["serve"]

FROM ${BUILD_IMAGE} AS compile
WORKDIR /src
COPY . .
RUN make build && mkdir -p build/rootfs/data && cp build/incamera build/rootfs/incamera

FROM scratch
COPY --from=compile --chown=65532:65532 /src/build/rootfs/ /
USER 65532:65532
ENV INCAMERA_DATA_DIR=/data
VOLUME ["/data"]
EXPOSE 8480/tcp 8490/udp
ENTRYPOINT ["/incamera"]
CMD ["serve"]
