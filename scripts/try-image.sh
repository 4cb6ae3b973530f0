#!/usr/bin/env bash
# Builds the second stage of the Dockerfile on a Debian of its own, out of what `make build` has made here, and runs it as
# an operator would: not as root, on a file system that cannot be written to. Needs root, buildah and mmdebstrap; no
# registry is asked, so that the first stage is not tried.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
port=39778
work=$(mktemp -d "${TMPDIR:-/tmp}/earmark-image-XXXXXX")
buildah() { command buildah --root "$work/images" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
  [ -z "${server:-}" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
  for mounted in tmp data proc; do umount "$work/root/$mounted" 2>/dev/null || true; done
  umount "$work/root" 2>/dev/null || true
  [ -z "${container:-}" ] || buildah umount "$container" > /dev/null || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
check() { echo "ok: $1"; }

echo "making a Debian"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates "$suite" "$work/base.tar" /etc/apt/sources.list.d/* 2>/dev/null \
  || mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates "$suite" "$work/base.tar"
base=$(buildah from scratch)
buildah add -q "$base" "$work/base.tar" / > /dev/null
buildah commit -q "$base" earmark-base > /dev/null
built=$(buildah from scratch)
buildah copy -q "$built" "$target/release/earmark" /made/earmark > /dev/null
buildah copy -q "$built" target/site /made/site > /dev/null
buildah copy -q "$built" target/voices /made/voices > /dev/null
buildah commit -q "$built" earmark-built > /dev/null
# The second stage alone, with what was built here in place of the first.
sed -e '/AS build/,/^RUN make/d' -e 's/--from=build/--from=localhost\/earmark-built/' Dockerfile > "$work/Dockerfile"
buildah build -q --format docker --isolation chroot --network host --build-arg BASE=localhost/earmark-base -f "$work/Dockerfile" -t earmark . > /dev/null
check "the image is built"
container=$(buildah from earmark)
root=$(buildah mount "$container")
[ "$(buildah inspect --format '{{.OCIv1.Config.User}}' earmark)" = earmark ]
echo "    $(du -sm "$root" | cut -f1) MB, of which Debian $(($(stat -c %s "$work/base.tar") / 1048576))"
check "it runs as nobody in particular"

mkdir "$work/root"
mount --bind "$root" "$work/root"
mount -o remount,bind,ro "$work/root"
mount -t tmpfs tmpfs "$work/root/tmp"
mount -t tmpfs -o uid=10001,gid=999,mode=0700 tmpfs "$work/root/data"
mount -t proc proc "$work/root/proc"
as_earmark=(chroot --userspec=10001 "$work/root" env -i PATH=/usr/bin EARMARK_DATA=/data EARMARK_ADDR="127.0.0.1:$port")
"${as_earmark[@]}" /usr/lib/earmark/earmark serve > "$work/log" 2>&1 &
server=$!
site=http://127.0.0.1:$port
for _ in $(seq 100); do "${as_earmark[@]}" curl -sf "$site/health" > /dev/null && break; sleep 0.1; done
"${as_earmark[@]}" curl -sf "$site/health" > /dev/null
if chroot --userspec=10001 "$work/root" touch /usr/lib/earmark/changed 2>/dev/null; then exit 1; fi
check "it starts on a file system that it cannot write to, and is healthy"
printf 'A Short Tale\n\nIt was a dark night. Then the sun rose.\n' > "$work/tale.txt"
id=$(curl -sf -F "file=@$work/tale.txt" "$site/api/books" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
curl -sf "$site/read/$id/1" | grep -q "dark night"
voice=$(curl -sf "$site/api/voices" | sed 's/.*"id":"\(heart:[a-z]*\)".*/\1/')
curl -sf --max-time 60 "$site/audio/$id/1/1.mp3?voice=$voice" -o "$work/clip.mp3"
[ "$(stat -c %s "$work/clip.mp3")" -gt 2000 ]
check "a book is read and heard, by $voice"
kill -TERM "$server"
wait "$server"
server=
check "it stops when it is told to"
