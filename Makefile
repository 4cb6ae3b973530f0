# Thin targets; what they need is brought by scripts/setup.sh, which skips what is there.
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Tests of what is the same whichever database there is: they run once, on SQLite, which saves minutes. The tests of the
# queue, which are in a folder and not in this list, run once as well.
WITHOUT_SQL := doctor golden heart hostile memory packs rooms strangers
ON_POSTGRES := $(filter-out $(WITHOUT_SQL),$(notdir $(basename $(wildcard tests/*.rs))))

.PHONY: run setup dev build package test lint unit browser bench api-docs fuzz fmt audit

## run: build Earmark quickly and serve it at http://127.0.0.1:3000; what others shall use is built by `make build`
run:
	scripts/setup.sh build
	node scripts/build.mjs --release --profile quick
	EARMARK_SITE=target/site $(TARGET)/quick/earmark

## setup: install what Earmark builds and runs with, by the system's package manager where it may
setup:
	scripts/setup.sh setup

build:
	scripts/setup.sh build
	node scripts/build.mjs --release

## package: a tarball and a .deb of the release build, in target/package; `scripts/try-package.sh` tries the latter
package: build
	scripts/package.sh

## dev: serve, and build anew on every change
dev:
	scripts/setup.sh dev
	cargo leptos watch

## test: everything CI asks for
test: lint unit browser
	@echo "All checks passed."

## lint: format, clippy, scripts, browser tests, style sheets, licences
lint:
	scripts/setup.sh test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p app --lib --features reader --target wasm32-unknown-unknown -- -D warnings
	cargo clippy -p app --lib --features pages --target wasm32-unknown-unknown -- -D warnings
	cargo deny --workspace check bans licenses sources
	shellcheck scripts/*.sh packaging/deb/p* .ci/run benches/http.sh
	cd end2end && npx tsc --noEmit -p .
	end2end/node_modules/.bin/eslint end2end public scripts benches
	end2end/node_modules/.bin/stylelint 'style/*.css' 'public/*.css'

# Most of these tests wait more than they compute: with as many threads as processors they would take half as long again.
unit: export RUST_TEST_THREADS := 4
## unit: unit and integration tests; those that have to do with the database also on PostgreSQL
unit:
	scripts/setup.sh test
	cargo test --workspace
	scripts/with-postgres.sh cargo test $(addprefix --test ,$(ON_POSTGRES))

## browser: the pages in Chromium, and a short path in Firefox and WebKitGTK, with a real server and a real voice
browser:
	scripts/setup.sh test
	node scripts/build.mjs
	cd end2end && EARMARK_BIN=$(abspath $(TARGET))/debug/earmark npx playwright test
	cd end2end && EARMARK_BIN=$(abspath $(TARGET))/debug/earmark npx playwright test --config elsewhere.config.ts

## api-docs: write docs/api.md from the routes
api-docs:
	EARMARK_WRITE_API_DOCS=1 cargo test --test api the_document

## bench: measure; the figures of docs/benchmarks.md come from here
bench: build
	scripts/setup.sh bench
	EARMARK_SITE=target/site EARMARK_BIN=$(abspath $(TARGET))/release/earmark cargo bench
	EARMARK_SITE=target/site EARMARK_BIN=$(abspath $(TARGET))/release/earmark benches/http.sh
	EARMARK_SITE=target/site EARMARK_BIN=$(abspath $(TARGET))/release/earmark node benches/lighthouse/run.mjs
	cd end2end && EARMARK_BIN=$(abspath $(TARGET))/release/earmark npx playwright test --config measure.config.ts

## fuzz: throw bytes at every parser of what comes from outside, for TIME seconds each
fuzz:
	scripts/setup.sh fuzz
	scripts/fuzz.sh $(TIME)

## fmt: format everything
fmt:
	cargo fmt --all

## audit: known vulnerabilities (needs the network)
audit:
	cargo deny --workspace check advisories
