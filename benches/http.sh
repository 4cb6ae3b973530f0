#!/usr/bin/env bash
# A cached clip over HTTP at 64 connections, beside nginx serving the same file; and how soon a
# page that opens has its first clip. Takes the release build.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${EARMARK_BIN:?the release build}
folder=$(mktemp -d)
cleanup() { kill "${server:-}" "${nginx:-}" 2>/dev/null || true; rm -rf "$folder"; }
trap cleanup EXIT

"$program" serve --addr 127.0.0.1:0 --data "$folder/data" --limit-per-minute 0 > "$folder/out" &
server=$!
until grep -q "Earmark is at" "$folder/out"; do sleep 0.05; done
site=$(sed 's/Earmark is at //' "$folder/out")
until curl -sf "$site/health" > /dev/null; do sleep 0.05; done
book=$(curl -s "$site/api/books" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
voice=espeak-ng:en-us
clip="$site/audio/$book/1/1.mp3?voice=$voice"
mkdir "$folder/www"
curl -s "$clip" > "$folder/www/clip.mp3"
echo "clip of $(stat -c %s "$folder/www/clip.mp3") bytes"

# Each sentence of the second chapter once: told that the page is open, then asked for.
for sentence in $(seq 1 9); do
  place="{\"place\":{\"listener\":\"bench\",\"book\":\"$book\",\"chapter\":2,\"sentence\":$sentence,\"voice\":\"$voice\"}}"
  begun=$(date +%s%N)
  curl -s -H 'content-type: application/json' -d "$place" "$site/api/events/page_open" > /dev/null
  curl -s "$site/audio/$book/2/$sentence.mp3?voice=$voice" > /dev/null
  echo $(( ($(date +%s%N) - begun) / 1000000 ))
done | sort -n | awk '{ t[NR] = $1 } END { print "page_open → first clip, two requests by curl: median " t[int((NR + 1) / 2)] " ms, worst " t[NR] " ms" }'

cat > "$folder/nginx.conf" <<CONF
user root; worker_processes 2; pid $folder/nginx.pid; daemon off; error_log $folder/error.log;
events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 1000000; types { audio/mpeg mp3; }
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/f;
  uwsgi_temp_path $folder/u; scgi_temp_path $folder/s;
  server { listen 127.0.0.1:39180; root $folder/www; } }
CONF
nginx -c "$folder/nginx.conf" &
nginx=$!
sleep 0.5
for _ in 1 2 3; do
  for peer in "earmark $clip" "nginx http://127.0.0.1:39180/clip.mp3"; do
    wrk -t1 -c64 -d5s --latency "${peer#* }" \
      | awk -v name="${peer%% *}" '/50%/ {p50=$2} /99%/ {p99=$2} /Requests\/sec/ {r=$2} /Non-2xx/ {bad=$0} END {print name ": " r "/s, p50 " p50 ", p99 " p99 " " bad}'
  done
done
