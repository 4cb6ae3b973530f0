// The service worker: the app opens without a connection, and books that are kept on this device can
// be read and heard.
//
// The server is always asked first, so nobody reads yesterday's page. What it does not answer comes
// from the cache of a kept book (`book-{id}`, filled by islands/keep.rs), then from `shell`.

// After the server could not be reached, kept sound is used for this long without asking again.
const GIVEN_UP_MS = 60_000;
// A server that does not answer within this is out of reach, where there is something kept.
const PATIENCE_MS = 5_000;
// The path below which the site is; nothing where it is at the top of its host.
const BASE = new URL(self.registration.scope).pathname.replace(/\/$/, "");
// Other sites of the host have caches of their own.
const SHELL = `shell${BASE}`;
const BOOK = BASE ? `book:${BASE}:` : "book-";
const OFFLINE = `${BASE}/offline`;
// Pages and files that the app cannot open without.
const FIRST = [`${BASE}/`, OFFLINE, `${BASE}/manifest.webmanifest`, `${BASE}/favicon.svg`];

let unreachableSince = 0;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL);
      await Promise.all(FIRST.map((page) => keep(cache, page)));
      await Promise.all([...(await partsOf(cache, OFFLINE))].map((part) => keep(cache, part)));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      await self.clients.claim();
      await renew();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin || event.request.method !== "GET") return;
  const chapter = within(url).match(/^\/listen\/([0-9a-f]{16})\/(\d+)(\.mp3|\/timeline)$/);
  if (!chapter) event.respondWith(answer(event, url));
  // With a connection the stream goes past this script, which a browser may stop at any time.
  else if (!navigator.onLine || Date.now() - unreachableSince < GIVEN_UP_MS) {
    event.respondWith(listen(event.request, chapter[1], Number(chapter[2]), chapter[3], url));
  }
});

// An address as the site has it.
function within(url) {
  return url.pathname.slice(BASE.length);
}

async function keep(cache, address) {
  // What a page says once is for whoever looks at it.
  const response = await fetch(address, { headers: { accept: "text/html,*/*", purpose: "prefetch" } });
  // Who is not logged in is led elsewhere; that is not the page.
  if (response.ok && !response.redirected) await cache.put(address, response);
}

// What a kept page loads: scripts, style, typefaces.
async function partsOf(cache, address) {
  const html = (await (await cache.match(address))?.text()) ?? "";
  return new Set([...html.matchAll(/(?:href|src)="([^"]*\/(?:pkg|fonts)\/[^"]+)"/g)].map((found) => found[1]));
}

async function answer(event, url) {
  const { request } = event;
  const book = within(url).match(/[/]([0-9a-f]{16})(?:[/]|$)/)?.[1];
  const kept = book ? await keptBook(book) : null;
  // Where nothing is kept, as of a voice that is only tried, there is nothing to be had but by waiting.
  const copy = await kept?.match(url.pathname);
  try {
    const response = await (copy ? Promise.race([fetch(request), patience()]) : fetch(request));
    // A proxy answers for a server that is gone.
    const instead = copy || (kept && request.mode === "navigate");
    if ([502, 503, 504].includes(response.status) && instead) throw new Error("the server is out of reach");
    unreachableSince = 0;
    const isWanted = kept || FIRST.includes(url.pathname) || /^\/(pkg|fonts)\//.test(within(url));
    if (response.ok && !response.redirected && isWanted) event.waitUntil(refresh(url, response.clone(), kept));
    return response;
  } catch (error) {
    // A page that is left takes its requests with it: that says nothing of the server.
    if (error.name !== "AbortError") unreachableSince = Date.now();
    const found = copy || (await caches.match(url.pathname));
    if (found) return found;
    if (request.mode === "navigate") {
      const page = await caches.match(OFFLINE);
      if (page) return page;
    }
    throw error;
  }
}

// The cache of a book that is kept; opening one that is not there would make it.
async function keptBook(book) {
  return (await caches.has(BOOK + book)) ? caches.open(BOOK + book) : null;
}

function patience() {
  return new Promise((_, give) => setTimeout(() => give(new Error("the server does not answer")), PATIENCE_MS));
}

// What is kept is replaced by what has just come, so that nobody meets an old page offline.
async function refresh(url, response, kept) {
  const shell = await caches.open(SHELL);
  const { pathname } = url;
  if (/^\/(pkg|fonts)\//.test(within(url))) {
    const old = await shell.match(pathname);
    await shell.put(pathname, response);
    // Pages belong to the scripts they came with.
    const version = (answer) => answer?.headers.get("last-modified");
    if (pathname.endsWith(".wasm") && old && version(old) !== version(response)) await renew();
  } else if (FIRST.includes(pathname) && !url.search) {
    await shell.put(pathname, response);
    if (pathname === FIRST[0]) await forgetDeleted();
  } else if (kept && !url.search && (await kept.match(pathname))) {
    await kept.put(pathname, response);
  }
}

// Fetches all pages anew that are on this device, and what they load, and lets go of what an older version has loaded.
async function renew() {
  const shell = await caches.open(SHELL);
  const parts = new Set();
  const again = async (cache, page) => {
    await keep(cache, page).catch(() => {});
    for (const part of await partsOf(cache, page)) parts.add(part);
  };
  await Promise.all(FIRST.map((page) => again(shell, page)));
  for (const name of await caches.keys()) {
    if (!name.startsWith(BOOK)) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const url = new URL(request.url);
      if (/^\/(read|book)\//.test(within(url))) await again(cache, url.pathname);
    }
  }
  await Promise.all([...parts].map((part) => keep(shell, part).catch(() => {})));
  for (const request of await shell.keys()) {
    const url = new URL(request.url);
    if (/^\/pkg\//.test(within(url)) && !parts.has(url.pathname)) await shell.delete(request);
  }
}

// A book that is gone from the library has no page with a button that removes it here.
async function forgetDeleted() {
  for (const name of await caches.keys()) {
    if (!name.startsWith(BOOK)) continue;
    const answer = await fetch(`${BASE}/api/books/${name.slice(BOOK.length)}`).catch(() => null);
    if (answer?.status === 404) await caches.delete(name);
  }
}

// Sound and its timeline of a kept book; of any other, whatever the server has.
async function listen(request, book, chapter, kind, url) {
  const cache = await keptBook(book);
  const from = Number(url.searchParams.get("from") ?? 0);
  const found = await cache?.match(`${BASE}/api/books/${book}/chapters/${chapter}/timeline`);
  if (!found) return fetch(request);
  const entries = await found.json();
  return kind === ".mp3"
    ? sound(cache, book, chapter, from, entries)
    : timeline(cache, book, chapter, from, entries);
}

// The kept chapters from a sentence on, one after another, as the server would stream them.
function sound(cache, book, chapter, from, entries) {
  let [number, skip] = [chapter, share(entries, from)];
  const body = new ReadableStream({
    async pull(controller) {
      const found = await cache.match(`${BASE}/listen/${book}/${number}.mp3`);
      if (!found) return controller.close();
      const bytes = new Uint8Array(await found.arrayBuffer());
      controller.enqueue(bytes.subarray(frame(bytes, Math.floor(bytes.length * skip))));
      number += 1;
      skip = 0;
    },
  });
  return new Response(body, { headers: { "content-type": "audio/mpeg" } });
}

// How much of a chapter's time is over when a sentence begins. The sound has a constant bit rate, so
// that is also how much of its bytes.
function share(entries, from) {
  const last = entries[entries.length - 1];
  const start = entries.find((entry) => entry.sentence === from)?.start_ms ?? 0;
  return last ? start / (last.start_ms + last.duration_ms) : 0;
}

// The nearest MP3 frame from a byte on: frames begin with eleven set bits.
function frame(bytes, at) {
  while (at > 0 && at + 1 < bytes.length && !(bytes[at] === 0xff && (bytes[at + 1] & 0xe6) === 0xe2)) at += 1;
  return at;
}

async function timeline(cache, book, chapter, from, entries) {
  const start = entries.find((entry) => entry.sentence === from)?.start_ms ?? 0;
  const rest = entries
    .filter((entry) => entry.sentence >= from)
    .map((entry) => ({ ...entry, start_ms: entry.start_ms - start }));
  const last = rest[rest.length - 1];
  const next = (await cache.match(`${BASE}/listen/${book}/${chapter + 1}.mp3`)) ? chapter + 1 : null;
  const end = { end_ms: last ? last.start_ms + last.duration_ms : 0, next_chapter: next };
  const body = `event: entries\ndata: ${JSON.stringify(rest)}\n\nevent: end\ndata: ${JSON.stringify(end)}\n\n`;
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
