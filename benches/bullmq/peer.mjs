// BullMQ 5 doing what the bench asks, on the same redis-server: one round, figures as JSON.
//   node peer.mjs PORT CHAPTERS SENTENCES PAYLOAD JOBS
import { Queue, Worker } from "bullmq";

const [port, chapters, sentences, payload, jobs] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const options = { connection, prefix: "peer" };

async function enqueue() {
  const queue = new Queue("enqueue", options);
  await queue.waitUntilReady();
  const begun = performance.now();
  for (let chapter = 0; chapter < chapters; chapter++) {
    // A job id each, so that duplicates are dropped, as ours are.
    const bulk = Array.from({ length: Number(sentences) }, (_, sentence) => ({
      name: "s",
      data: payload,
      opts: { jobId: `c${chapter}-s${sentence}`, removeOnComplete: true },
    }));
    await queue.addBulk(bulk);
  }
  const seconds = (performance.now() - begun) / 1000;
  await queue.obliterate({ force: true });
  await queue.close();
  return (chapters * sentences) / seconds;
}

async function work(concurrency) {
  const name = `work-${concurrency}`;
  const queue = new Queue(name, options);
  const total = Number(jobs);
  for (let at = 0; at < total; at += 1000) {
    const count = Math.min(1000, total - at);
    await queue.addBulk(
      Array.from({ length: count }, () => ({ name: "s", data: payload, opts: { removeOnComplete: true } })),
    );
  }
  let done = 0;
  const begun = await new Promise((resolve) => {
    const worker = new Worker(name, async () => {}, { ...options, concurrency, autorun: false });
    let start = 0;
    worker.on("completed", () => {
      if (++done === total) {
        const seconds = (performance.now() - start) / 1000;
        worker.close().then(() => resolve(total / seconds));
      }
    });
    worker.waitUntilReady().then(() => {
      start = performance.now();
      worker.run();
    });
  });
  await queue.obliterate({ force: true });
  await queue.close();
  return begun;
}

const figures = { enqueue: await enqueue(), one: await work(1), fifty: await work(50) };
console.log(JSON.stringify(figures));
process.exit(0);
