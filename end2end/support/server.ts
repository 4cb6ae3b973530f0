import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** A real Earmark on a free port, with a data folder of its own. */
export class Server {
  private constructor(
    readonly url: string,
    readonly process: ChildProcess,
    readonly data: string,
    private readonly said: { setUpPage: string },
  ) {}

  /** The page on which the first account is made, where there is none yet; said soon after the start. */
  get setUpPage(): string {
    return this.said.setUpPage;
  }

  /** Starts one with the built-in voice, or as on a machine without it. */
  static async start(voices: "built-in" | "others" = "others", more: string[] = []): Promise<Server> {
    const data = mkdtempSync(join(tmpdir(), "earmark-"));
    const root = resolve(import.meta.dirname, "../..");
    const program = process.env.EARMARK_BIN ?? join(root, "target/debug/earmark");
    const child = spawn(program, ["serve", ...(more.includes("--addr") ? [] : ["--addr", "127.0.0.1:0"]), ...more], {
      env: {
        ...process.env,
        EARMARK_DATA: data,
        EARMARK_SITE: join(root, "target/site"),
        EARMARK_VOICES: voices === "built-in" ? join(root, "target/voices") : data,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    // It is said after the address.
    const said = { setUpPage: "" };
    const url = await new Promise<string>((found, failed) => {
      child.once("error", failed);
      child.once("exit", (code) => failed(new Error(`the server ended with ${code}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const address = line.match(/https?:\/\/\S+/)?.[0];
        if (address?.includes("/setup?")) said.setUpPage = address;
        else if (address) found(address);
      });
    });
    child.removeAllListeners("exit");
    return new Server(url, child, data, said);
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.data, { recursive: true, force: true });
  }
}
