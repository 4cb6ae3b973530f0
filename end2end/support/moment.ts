/**
 * The audio clock, in milliseconds, and the sentence marked at the same moment. Runs in the page: right after a frame,
 * when the mark has had its chance to follow the clock.
 */
export function moment(): Promise<{ ms: number; sentence: number | null; chapter: number }> {
  return new Promise((done) =>
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const marked = document.querySelector("#reading .speaking")?.getAttribute("data-s");
        done({
          ms: (document.querySelector("audio")?.currentTime ?? 0) * 1000,
          sentence: marked == null ? null : Number(marked),
          chapter: Number(document.querySelector<HTMLElement>("#reading")!.dataset.chapter),
        });
      }),
    ),
  );
}
