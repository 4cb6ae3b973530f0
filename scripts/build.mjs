// Builds Earmark: the page's half as two modules of WASM with their glue, the style sheet, and the server. What
// `cargo leptos build` does, without the seven minutes that building cargo-leptos takes; `cargo leptos watch` is for
// development.
//   node scripts/build.mjs [--release] [--profile NAME]
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const { values: wanted } = parseArgs({ options: { release: { type: "boolean" }, profile: { type: "string" } } });
const modules = createRequire(join(root, "style/"));
const { transformSync } = modules("esbuild");
const { bundle } = modules("lightningcss");

/** The oldest browsers that pages are made for; style sheets are written for newer ones and turned into theirs. */
const version = (major, minor = 0) => (major << 16) | (minor << 8);
const browsers = {
  chrome: version(111),
  edge: version(111),
  firefox: version(113),
  safari: version(16),
  ios_saf: version(16),
};

const target = resolve(process.env.CARGO_TARGET_DIR ?? "target");
// The page's half has a folder of its own, since it is compiled with other flags. `cargo leptos` has it there, too.
const front = join(target, "front");
const site = resolve("target/site");
// It takes the place of the one before when all of it is there.
const made = resolve("target/site.new");
const packed = join(made, "pkg");

/** Runs a program, and ends where it fails. */
function run(program, ...args) {
  const { status, error } = spawnSync(program, args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Cargo's arguments for a profile. */
const inProfile = name => (name === "dev" ? [] : ["--profile", name]);

/** Compiles a module of the page's half into the site; it has the name of its feature. */
function buildModule(name) {
  const profile = wanted.release ? "wasm-release" : "dev";
  run(
    "cargo", "build", "--package=app", "--lib", "--target=wasm32-unknown-unknown", "--no-default-features",
    `--features=${name}`, `--target-dir=${front}`, ...inProfile(profile),
  );
  const module = join(front, "wasm32-unknown-unknown", profile === "dev" ? "debug" : profile, "app.wasm");
  run("wasm-bindgen", "--target=web", "--no-typescript", `--out-dir=${packed}`, `--out-name=${name}`, module);
  const bound = join(packed, `${name}_bg.wasm`);
  if (wanted.release) {
    const stripped = ["--strip-debug", "--strip-producers", "--strip-target-features"];
    run(join(root, "style/node_modules/.bin/wasm-opt"), "-Oz", ...stripped, bound, "-o", join(packed, `${name}.wasm`));
    rmSync(bound);
    const glue = join(packed, `${name}.js`);
    writeFileSync(glue, transformSync(readFileSync(glue, "utf8"), { minify: true, format: "esm" }).code);
  } else {
    renameSync(bound, join(packed, `${name}.wasm`));
  }
}

/** Joins the style sheets into one. */
function buildStyle() {
  const { code } = bundle({ filename: "style/main.css", minify: Boolean(wanted.release), targets: browsers });
  writeFileSync(join(packed, "earmark.css"), code);
}

/** Compresses what shrinks, once for all readers. */
async function compress() {
  const files = readdirSync(made, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(css|js|json|svg|txt|wasm|webmanifest)$/.test(entry.name))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name));
  const settings = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const one = async file => {
    const bytes = readFileSync(file);
    writeFileSync(`${file}.br`, await promisify(brotliCompress)(bytes, settings));
    writeFileSync(`${file}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
  };
  while (files.length > 0) await Promise.all(files.splice(0, availableParallelism()).map(one));
}

const has = name => existsSync(join(root, name));
if (!has("public/fonts") || !has("style/node_modules/.installed")) {
  console.error("build: run scripts/setup.sh build first");
  process.exit(1);
}
rmSync(made, { recursive: true, force: true });
mkdirSync(packed, { recursive: true });
cpSync("public", made, { recursive: true });
for (const name of ["reader", "pages"]) buildModule(name);
buildStyle();
if (wanted.release) await compress();
rmSync(site, { recursive: true, force: true });
renameSync(made, site);
const profile = wanted.profile ?? (wanted.release ? "release" : "dev");
run("cargo", "build", "--package=earmark", "--bin=earmark", "--no-default-features", ...inProfile(profile));
console.log(`built ${relative(root, site)} and ${join(target, profile === "dev" ? "debug" : profile, "earmark")}`);
