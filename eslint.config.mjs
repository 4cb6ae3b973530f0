// What the browser tests, the service worker and the scripts are checked by: `make lint`. The packages are the tests'.
import js from "./end2end/node_modules/@eslint/js/src/index.js";
import globals from "./end2end/node_modules/globals/index.js";
import typescript from "./end2end/node_modules/typescript-eslint/dist/index.js";

export default typescript.config(
  {
    ignores: ["**/node_modules/", "target/", "end2end/test-results/", "end2end/playwright-report/"],
  },
  js.configs.recommended,
  {
    files: ["end2end/**/*.ts"],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: `${import.meta.dirname}/end2end` } },
    rules: {
      // An answer of the server is taken as what the test expects of it; a wrong one fails there.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // Playwright hands every fixture to a test by destructuring, also where it needs none.
      "no-empty-pattern": "off",
    },
  },
  { files: ["public/sw.js"], languageOptions: { globals: globals.serviceworker } },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
);
