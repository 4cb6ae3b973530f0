#!/usr/bin/env bash
# Runs a command with a PostgreSQL of its own, whose address it finds in EARMARK_TEST_POSTGRES.
#   with-postgres.sh COMMAND [ARGUMENT...]
set -euo pipefail

folder=$(mktemp -d "${TMPDIR:-/tmp}/postgres-XXXXXX")
programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$programs" ] || programs=$(dirname "$(command -v initdb)")

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" -eq 0 ]; then
  as=(runuser -u postgres --)
  chown postgres "$folder"
fi
stop() {
  "${as[@]}" "$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
cd "$folder"
"${as[@]}" "$programs/initdb" -D "$folder/data" -U earmark --auth=trust -E UTF8 --locale=C >/dev/null
"${as[@]}" "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 -c fsync=off" \
  start >/dev/null
cd "$OLDPWD"
EARMARK_TEST_POSTGRES="postgres://earmark@127.0.0.1:$port" "$@"
