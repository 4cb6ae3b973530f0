import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

/** A page in a browser that Playwright cannot drive as the system has it. */
export interface Elsewhere {
  open(address: string): Promise<void>;
  /** Calls a function in the page, with arguments that JSON can say; waits for what it promises. */
  run<A extends unknown[], T>(task: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** Presses what a selector names, as a person does. */
  click(selector: string): Promise<void>;
  close(): Promise<void>;
}

const FIREFOX = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];

/** Where Debian's browser of WebKitGTK is, whatever the processor. */
function miniBrowser(): string | undefined {
  const folders = readdirSync("/usr/lib", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const places = ["webkit2gtk-4.1", "webkitgtk-6.0"];
  const browsers = folders.flatMap(({ name }) => places.map((place) => join("/usr/lib", name, place, "MiniBrowser")));
  return browsers.find(existsSync);
}

/** The browsers, with a way to start those that are installed here. */
export function browsers(): { name: string; start?: () => Promise<Elsewhere> }[] {
  const firefox = FIREFOX.find(existsSync);
  const programs = ["/usr/bin/WebKitWebDriver", "/usr/bin/xvfb-run"];
  const webkit = programs.every(existsSync) ? miniBrowser() : undefined;
  return [
    { name: "Firefox", start: firefox && (() => startFirefox(firefox)) },
    { name: "WebKitGTK", start: webkit && (() => startWebKit(webkit)) },
  ].map(({ name, start }) => ({ name, start: start || undefined }));
}

/** By WebDriver BiDi. */
async function startFirefox(executablePath: string): Promise<Elsewhere> {
  const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 900 });
  return {
    open: async (address) => void (await page.goto(address)),
    run: (task, ...args) => page.evaluate(task as (...args: unknown[]) => unknown, ...args) as Promise<never>,
    click: (selector) => page.click(selector),
    close: () => browser.close(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** By WebDriver (W3C), on a screen that nobody sees. */
async function startWebKit(binary: string): Promise<Elsewhere> {
  const port = await freePort();
  // It starts a screen and the driver, which end with its group.
  const driver = spawn("xvfb-run", ["-a", "WebKitWebDriver", `--port=${port}`], { stdio: "ignore", detached: true });
  const end = () => process.kill(-driver.pid!, "SIGTERM");
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(value)}`);
    return value;
  };
  for (let tries = 0; ; tries++) {
    const status = await ask("GET", "/status").catch(() => undefined);
    if ((status as { ready: boolean } | undefined)?.ready) break;
    if (tries === 100) {
      end();
      throw new Error("WebKitWebDriver did not start");
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  const options = { binary, args: ["--automation"] };
  const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
  const begun = await ask("POST", "/session", { capabilities }).catch((error: unknown) => {
    end();
    throw error;
  });
  const { sessionId } = begun as { sessionId: string };
  const session = `/session/${sessionId}`;
  await ask("POST", `${session}/timeouts`, { script: 30_000 });
  return {
    open: async (address) => void (await ask("POST", `${session}/url`, { url: address })),
    run: async (task, ...args) => {
      const script = `const args = [...arguments]; const done = args.pop();
        Promise.resolve().then(() => (${String(task)})(...args)).then(value => done({ value }), error => done({ error: String(error) }));`;
      const answer = await ask("POST", `${session}/execute/async`, { script, args });
      const { value, error } = answer as { value: never; error?: string };
      if (error) throw new Error(error);
      return value;
    },
    click: async (selector) => {
      const found = await ask("POST", `${session}/element`, { using: "css selector", value: selector });
      const [element] = Object.values(found as Record<string, string>);
      await ask("POST", `${session}/element/${element}/click`, {});
    },
    close: async () => {
      await ask("DELETE", session).catch(() => undefined);
      end();
    },
  };
}
