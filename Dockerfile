# Earmark in a container: `docker build -t earmark .`, then `docker run -p 3000:3000 -v earmark:/data earmark`. The log has
# the link by which the first person sets it up. scripts/try-image.sh builds and runs the second stage without a registry.
ARG BUILDER=docker.io/library/rust:1-slim-bookworm
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BUILDER} AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends build-essential ca-certificates curl git nodejs npm python3-venv \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make build && mkdir /made && mv target/release/earmark target/site target/voices /made

FROM ${BASE} AS run
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates curl espeak-ng \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin earmark \
  && install -d -o earmark -g earmark -m 0700 /data
COPY LICENSE* /usr/share/doc/earmark/
COPY --from=build /made /usr/lib/earmark
USER earmark
ENV EARMARK_DATA=/data EARMARK_ADDR=0.0.0.0:3000
VOLUME /data
EXPOSE 3000
# All that it writes is in /data and /tmp: it runs with `--read-only --tmpfs /tmp`.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["curl", "-sf", "http://127.0.0.1:3000/health"]
ENTRYPOINT ["/usr/lib/earmark/earmark"]
CMD ["serve"]
