// What the style sheets are checked by: `make lint`. The packages are the browser tests'.
export default {
  extends: ["./end2end/node_modules/stylelint-config-standard/index.js"],
  ignoreFiles: ["**/node_modules/**", "style/fonts.css"],
  rules: {
    // Rules are grouped by what they are for, not by how specific they are.
    "no-descending-specificity": null,
    "comment-empty-line-before": null,
    "custom-property-empty-line-before": null,
    // Files beside the sheet, as plain CSS has them too.
    "import-notation": "string",
    // Browsers of 2021 do not know ranges, and some phones are from then.
    "media-feature-range-notation": "prefix",
    // Safari has these under its own name alone.
    "property-no-vendor-prefix": [true, { ignoreProperties: ["text-size-adjust", "box-decoration-break"] }],
    "value-keyword-case": ["lower", { ignoreProperties: ["/^--/"] }],
  },
};
