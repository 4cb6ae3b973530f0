// Makes the typefaces named below from style/node_modules in public/fonts, with their licences, and
// writes style/fonts.css from the packages' own sheets: `node scripts/fonts.mjs`. The browser loads a
// file only when a page shows a letter in its range, in its weight and slope.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import subsetFont from "../style/node_modules/subset-font/index.js";

const families = ["literata", "source-sans-3", "atkinson-hyperlegible"];
const faces = ["400", "400-italic", "700", "700-italic"];
const source = new URL("../style/node_modules/@fontsource/", import.meta.url);
const target = new URL("../public/fonts/", import.meta.url);

// What nearly every page of an English book is set in, with the accents of its French words and all that is blank: half
// of the bytes of the Latin files, which have 300 signs. The rest of these is a file of its own (`app/src/typefaces.rs`
// names both).
const common = [
  ...["U+0020-007E", "U+00A0", "U+00A3", "U+00AD", "U+00B7", "U+00D7", "U+00E0", "U+00E7-00EA", "U+00EF", "U+00F4", "U+00F6", "U+00FC"],
  ...["U+2000-200F", "U+2013-2014", "U+2018-2019", "U+201C-201D", "U+2026", "U+202F", "U+2060", "U+2191", "U+2193", "U+2212", "U+FEFF"],
];

// Fractions, and figures of other widths and heights than the style sheets ask for, have a fifth of the signs. Advances
// for vertical lines are of no use either, for Latin letters lie on their side in them. (None of the families has small
// capitals: browsers make them of the capitals.)
const keepFeatures = ["kern", "mark", "mkmk", "liga", "locl", "ccmp", "tnum"];

const points = (ranges) =>
  ranges.flatMap((range) => {
    const [first, last] = range.replace("U+", "").split("-").map((end) => parseInt(end, 16));
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
const written = (list) => {
  const hex = (point) => point.toString(16).toUpperCase().padStart(4, "0");
  const runs = [];
  for (const point of list) {
    const run = runs.at(-1);
    if (run && run[1] === point - 1) run[1] = point;
    else runs.push([point, point]);
  }
  return runs.map(([first, last]) => `U+${hex(first)}${last > first ? `-${hex(last)}` : ""}`).join(",");
};
const cut = async (file, list, name) => {
  const font = await subsetFont(readFileSync(file), String.fromCodePoint(...list), {
    targetFormat: "woff2",
    keepFeatures,
    dropTables: ["vhea", "vmtx", "STAT"],
  });
  writeFileSync(new URL(name, target), font);
};

mkdirSync(target, { recursive: true });
let css = "/* Written by scripts/fonts.mjs. */\n";
for (const family of families) {
  const folder = new URL(`${family}/`, source);
  copyFileSync(new URL("LICENSE", folder), new URL(`${family}-LICENSE.txt`, target));
  for (const face of faces) {
    const sheet = readFileSync(new URL(`${face}.css`, folder), "utf8");
    for (const [rule] of sheet.matchAll(/@font-face \{[^}]*\}/g)) {
      const file = /url\(\.\/files\/([^)]+\.woff2)\)/.exec(rule)[1];
      // Scholars' letters, which the system's fonts have too, are not worth naming on every page.
      if (/-ext-/.test(file) && !/-latin-ext-/.test(file)) continue;
      const ranges = /unicode-range: ([^;]+);/.exec(rule)[1].split(",");
      // Every browser that runs the app reads woff2. A file that comes late waits for the next page, as the page names
      // those that its text needs to be fetched at once: text that changes under the eye is worse than text in the
      // system's serif.
      const write = (name, range) => {
        css += `${rule
          .replace(/font-display: swap/, "font-display: optional")
          // Beside the style sheet's folder, so that the site can lie below a path.
          .replace(/src: [^;]*;/, `src: url("../fonts/${name}") format('woff2');`)
          .replace(/unicode-range: [^;]+;/, `unicode-range: ${range};`)}\n\n`;
      };
      if (!/-latin-\d/.test(file)) {
        copyFileSync(new URL(`files/${file}`, folder), new URL(file, target));
        write(file, ranges.join(","));
        continue;
      }
      const [first, rest] = [points(common), points(ranges)];
      for (const [kind, list] of [["common", first], ["latin", rest.filter((point) => !first.includes(point))]]) {
        const name = file.replace("-latin-", `-${kind}-`);
        await cut(new URL(`files/${file}`, folder), list, name);
        write(name, written(list));
      }
    }
  }
}
writeFileSync(new URL("../style/fonts.css", import.meta.url), css);
