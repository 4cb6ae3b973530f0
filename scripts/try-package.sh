#!/usr/bin/env bash
# Installs the .deb that `make package` has made in a fresh Debian of its own, uses it as a person would, and removes it.
# Needs root and mmdebstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(realpath target/package/earmark_*.deb)
port=39777
root=$(mktemp -d "${TMPDIR:-/tmp}/earmark-root-XXXXXX")
# Ends what runs in there.
stop() {
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/root")" != "$root" ] || kill "${process##*/}" 2>/dev/null || true
  done
  [ -z "${server:-}" ] || wait "$server" || true
  server=
}
cleanup() {
  stop
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT
check() { echo "ok: $1"; }

echo "making a Debian"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mmdebstrap --quiet --mode=root --variant=apt --include=ca-certificates,espeak-ng "$suite" "$root" /etc/apt/sources.list.d/* 2>/dev/null \
  || mmdebstrap --quiet --mode=root --variant=apt --include=ca-certificates,espeak-ng "$suite" "$root"
mount -t proc proc "$root/proc"
cp "$package" "$root/earmark.deb"
chroot "$root" apt-get install -y -qq /earmark.deb > /dev/null
check "it is installed with what it depends on"
chroot "$root" earmark --version | grep -q "^earmark "
[ "$(stat -c %a "$root/var/lib/earmark")" = 700 ]
[ "$(stat -c %a "$root/etc/earmark/env")" = 640 ]
check "its folder is its own, and its settings are nobody else's"
chroot "$root" sh -c 'test -s /usr/share/man/man1/earmark.1.gz && test -s /usr/share/bash-completion/completions/earmark'
check "there is a manual and what completes commands"

# As the unit runs it, without systemd.
as_earmark() {
  chroot "$root" su earmark -s /bin/sh -c "set -a; . /etc/earmark/env; $1"
}
sed -i "s/^EARMARK_ADDR=.*/EARMARK_ADDR=127.0.0.1:$port/" "$root/etc/earmark/env"
as_earmark "earmark doctor" | sed 's/^/    /'
check "the doctor finds nothing that is serious"
as_earmark "exec earmark serve" > "$root/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/health" > /dev/null && break; sleep 0.1; done
site=http://127.0.0.1:$port
book=$(curl -sf "$site/api/books" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
curl -sf "$site/read/$book/1" | grep -q 'data-s="0"'
curl -sf -o "$root/sound.mp3" "$site/listen/$book/1.mp3?to=chapter"
[ "$(stat -c %s "$root/sound.mp3")" -gt 20000 ]
check "a page of it is read, and read aloud ($(stat -c %s "$root/sound.mp3") bytes)"
for file in $(curl -sf "$site/" | grep -o '/pkg/[^"]*' | sort -u); do curl -sf -o /dev/null "$site$file"; done
check "its scripts and styles come"
as_earmark "earmark backup /tmp/all.zip" | grep -q "rows"
check "it is backed up while it runs"
stop

chroot "$root" apt-get install -y -qq --reinstall /earmark.deb > /dev/null
grep -q "$port" "$root/etc/earmark/env"
check "a newer package leaves the settings as they are"
chroot "$root" apt-get purge -y -qq earmark > /dev/null
[ ! -e "$root/usr/bin/earmark" ] && [ ! -e "$root/etc/earmark/env" ] && [ -e "$root/var/lib/earmark/earmark.db" ]
check "it is removed, and the library stays"
