# One static binary on an empty file system: no shell, no package manager, and
# nothing writable but /data. internal/packaging builds it without an engine.
FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine3.23 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd cmd
COPY config config
COPY internal internal
COPY pkg pkg
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -tags disable_grpc_modules,timetzdata -ldflags "-s -w -X main.version=$VERSION" -o /out/pushworker ./cmd/pushworker
# scratch has no users and no directories; these two are all it needs. A new
# volume takes its owner from the directory that it covers.
RUN mkdir /out/data && echo 'pushworker:x:65532:65532::/data:/' > /out/passwd

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/passwd /etc/passwd
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/pushworker /pushworker
COPY LICENSE /LICENSE
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pushworker" \
      org.opencontainers.image.description="Takes push receipts from NATS JetStream and delivers them" \
      org.opencontainers.image.source="https://github.com/pushworker/pushworker" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV PUSHWORKER_DATA_DIR=/data
# 4222: the embedded broker, when it is told to listen beyond loopback.
# 9464: health and metrics, likewise. Commands in the container ask the worker
# through a socket in /data, which must be writable for that.
EXPOSE 4222 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/pushworker", "healthcheck"]
ENTRYPOINT ["/pushworker"]
CMD ["run"]
