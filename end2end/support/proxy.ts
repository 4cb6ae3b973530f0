import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}

/** A real nginx that serves HTTPS and HTTP/2, as docs/proxies.md has it. */
export class Proxy {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(port: number, locations: string): Promise<Proxy> {
    const folder = mkdtempSync(join(tmpdir(), "proxy-"));
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    execFileSync("openssl", [...request, "-keyout", key, "-out", certificate], { stdio: "ignore" });
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    writeFileSync(
      join(folder, "nginx.conf"),
      `${process.getuid?.() === 0 ? "user root;" : ""} daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
       events {}
       http {
         access_log off;
         ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
         server {
           listen 127.0.0.1:${port} ssl http2;
           ssl_certificate ${certificate};
           ssl_certificate_key ${key};
           ${locations}
         }
       }`,
    );
    const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      stdio: "inherit",
    });
    for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
      try {
        execFileSync("openssl", ["s_client", "-connect", `127.0.0.1:${port}`], { input: "", stdio: ["pipe", "ignore", "ignore"] });
        break;
      } catch {
        await new Promise((done) => setTimeout(done, 50));
      }
    }
    return new Proxy(child, folder);
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
