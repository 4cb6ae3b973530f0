#!/usr/bin/env bash
# Runs every fuzz target for some seconds (60), and stops at the first finding.
#   fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."

# Without a sanitizer the stable compiler will do: there is no unsafe code here to sanitize.
for target in $(cargo fuzz list); do
  mkdir -p "fuzz/corpus/$target"
  cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="${1:-60}" -timeout=10 -max_len=65536
done
