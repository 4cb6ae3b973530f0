import { strToU8, zipSync } from "fflate";

export interface Chapter {
  title: string;
  body: string;
}

/** A small EPUB 3, made here: real enough for the importer, small enough to read in a test. */
export function epub(title: string, chapters: Chapter[], pictures: Record<string, string> = {}): Buffer {
  const names = chapters.map((_, index) => `c${index + 1}.xhtml`);
  const xhtml = (body: string) =>
    `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en"><head><title>${title}</title></head><body>${body}</body></html>`;
  const files: Record<string, string> = {
    mimetype: "application/epub+zip",
    "META-INF/container.xml": `<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>`,
    "OPS/package.opf": `<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">${title}</dc:identifier><dc:title>${title}</dc:title><dc:language>en</dc:language><dc:creator>A. Writer</dc:creator></metadata><manifest><item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>${names.map((name) => `<item id="${name}" href="${name}" media-type="application/xhtml+xml"/>`).join("")}${Object.keys(pictures).map((name) => `<item id="${name}" href="${name}" media-type="image/svg+xml"/>`).join("")}</manifest><spine>${names.map((name) => `<itemref idref="${name}"/>`).join("")}</spine></package>`,
    "OPS/nav.xhtml": xhtml(
      `<nav epub:type="toc"><ol>${chapters.map((chapter, index) => `<li><a href="${names[index]}">${chapter.title}</a></li>`).join("")}</ol></nav>`,
    ),
  };
  chapters.forEach((chapter, index) => {
    files[`OPS/${names[index]}`] = xhtml(chapter.body);
  });
  for (const [name, svg] of Object.entries(pictures)) files[`OPS/${name}`] = svg;
  const entries = Object.entries(files).map(([name, text]) => [name, strToU8(text)] as const);
  return Buffer.from(zipSync(Object.fromEntries(entries)));
}

/** A chapter long enough to scroll, one after it, and one that ends the book. */
export function novel(title: string): Buffer {
  const paragraph = (n: number) =>
    `<p>Paragraph ${n} begins here. It goes on with <em>a second</em> sentence, and then it stops.</p>`;
  return epub(title, [
    {
      title: "The Long One",
      body: `<h1>The Long One</h1>${Array.from({ length: 40 }, (_, n) => paragraph(n + 1)).join("")}`,
    },
    { title: "The Short One", body: `<h1>The Short One</h1><p>Short it is. And nearly over.</p>` },
    { title: "The Last One", body: `<h1>The Last One</h1><p>This is the end.</p>` },
  ]);
}

/** What books have besides plain paragraphs: notes, a picture, a table, emphasis, accents. */
export function handbook(title: string): Buffer {
  const filler = Array.from({ length: 30 }, (_, n) => `<p>Filler ${n + 1} stands here. It says nothing new.</p>`).join("");
  return epub(
    title,
    [
      {
        title: "Of Notes",
        body: `<h1>Of Notes</h1><p>The café has a note.<a id="r1" epub:type="noteref" href="#n1"><sup>1</sup></a> It goes on <em>and</em> on.</p>
          <p><img src="cat.svg" alt="A cat"/></p>${filler}<aside id="n1" epub:type="footnote"><p>This is what the note says.</p></aside>`,
      },
      { title: "Of Tables", body: `<h1>Of Tables</h1><table><tr><td>One</td><td>Two</td></tr></table><p>A decaf café.</p>` },
    ],
    { "cat.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="120"><rect width="200" height="120" fill="teal"/></svg>` },
  );
}
