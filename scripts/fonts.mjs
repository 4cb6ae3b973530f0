// Copies the typefaces named below from style/node_modules to public/fonts, with their licences, and
// writes style/fonts.css from the packages' own sheets: `node scripts/fonts.mjs`. The browser loads a
// file only when a page shows a letter in its range, in its weight and slope.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const families = ["literata", "source-sans-3", "atkinson-hyperlegible"];
const faces = ["400", "400-italic", "700", "700-italic"];
const source = new URL("../style/node_modules/@fontsource/", import.meta.url);
const target = new URL("../public/fonts/", import.meta.url);

mkdirSync(target, { recursive: true });
let css = "/* Written by scripts/fonts.mjs. */\n";
for (const family of families) {
  const folder = new URL(`${family}/`, source);
  copyFileSync(new URL("LICENSE", folder), new URL(`${family}-LICENSE.txt`, target));
  for (const face of faces) {
    // Scholars' letters, which the system's fonts have too, are not worth naming on every page.
    const sheet = readFileSync(new URL(`${face}.css`, folder), "utf8").replace(/\/\*[^*]*-ext-[^*]*\*\/\s*@font-face \{[^}]*\}/g, (rule) => (/latin-ext/.test(rule) ? rule : ""));
    // Every browser that runs the app reads woff2. The cut that most text is set in is preloaded, and
    // should it come late all the same, waits for the next page: text that changes under the eye is
    // worse than text in the system's serif. The others are a few words here and there.
    css += sheet
      .replace(/font-display: swap/g, face === "400" ? "font-display: optional" : "font-display: swap")
      .replace(/\/\*.*?\*\/\n?/gs, "")
      .replace(/,\s*url\([^)]*\.woff\)\s*format\('woff'\)/g, "")
      .replace(/url\(\.\/files\/([^)]+)\)/g, (_, file) => {
        copyFileSync(new URL(`files/${file}`, folder), new URL(file, target));
        // Beside the style sheet's folder, so that the site can lie below a path.
        return `url("../fonts/${file}")`;
      });
  }
}
writeFileSync(new URL("../style/fonts.css", import.meta.url), css);
