// The service worker: the app opens without a connection, and books that are kept on this device can
// be read and heard.
//
// The server is always asked first, so nobody reads yesterday's page. What it does not answer comes
// from the cache of a kept book (`book-{id}`, filled by islands/keep.rs), then from `shell`.

const SHELL = "shell-1";
const OFFLINE = "/offline";
// Pages and files that the app cannot open without.
const FIRST = ["/", OFFLINE, "/manifest.webmanifest", "/favicon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL);
      await Promise.all(FIRST.map((page) => keep(cache, page)));
      // What those pages load: scripts, style, typefaces.
      const offline = await (await cache.match(OFFLINE)).text();
      const parts = [...offline.matchAll(/(?:href|src)="(\/(?:pkg|fonts)\/[^"]+)"/g)].map((found) => found[1]);
      const script = parts.find((part) => part.endsWith(".js"));
      if (script) parts.push(script.replace(/\.js$/, ".wasm"));
      await Promise.all([...new Set(parts)].map((part) => keep(cache, part)));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("shell-") && name !== SHELL) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin || event.request.method !== "GET") return;
  const chapter = url.pathname.match(/^\/listen\/([0-9a-f]{16})\/(\d+)(\.mp3|\/timeline)$/);
  if (!chapter) event.respondWith(answer(event.request, url));
  // With a connection the stream goes past this script, which a browser may stop at any time.
  else if (!navigator.onLine) event.respondWith(listen(chapter[1], Number(chapter[2]), chapter[3], url));
});

async function keep(cache, address) {
  const response = await fetch(address, { headers: { accept: "text/html,*/*" } });
  if (response.ok) await cache.put(address, response);
}

async function answer(request, url) {
  try {
    const response = await fetch(request);
    // Files of the pages, as they were last seen, for when there is no connection.
    if (response.ok && /^\/(pkg|fonts)\//.test(url.pathname)) {
      const cache = await caches.open(SHELL);
      cache.put(url.pathname, response.clone());
    }
    return response;
  } catch (error) {
    const book = url.pathname.match(/[/]([0-9a-f]{16})(?:[/]|$)/)?.[1];
    const kept = book && (await caches.has(`book-${book}`)) && (await caches.open(`book-${book}`));
    const found = (kept && (await kept.match(url.pathname))) || (await caches.match(url.pathname));
    if (found) return found;
    if (request.mode === "navigate") {
      const page = await caches.match(OFFLINE);
      if (page) return page;
    }
    throw error;
  }
}

// Sound and its timeline, of a kept book.
async function listen(book, chapter, kind, url) {
  const cache = await caches.open(`book-${book}`);
  const from = Number(url.searchParams.get("from") ?? 0);
  const found = await cache.match(`/api/books/${book}/chapters/${chapter}/timeline`);
  if (!found) return Response.error();
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
      const found = await cache.match(`/listen/${book}/${number}.mp3`);
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
  const next = (await cache.match(`/listen/${book}/${chapter + 1}.mp3`)) ? chapter + 1 : null;
  const end = { end_ms: last ? last.start_ms + last.duration_ms : 0, next_chapter: next };
  const body = `event: entries\ndata: ${JSON.stringify(rest)}\n\nevent: end\ndata: ${JSON.stringify(end)}\n\n`;
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
