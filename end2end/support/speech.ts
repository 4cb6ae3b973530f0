import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const RATE = 24_000;

/** A stand-in for a paid speech service: OpenAI's requests and errors, a hum as long as a reading. */
export class SpeechService {
  readonly spoken: string[] = [];
  /** Who spoke each. */
  readonly voices: string[] = [];
  /** While it is set, requests end with this status and code. */
  refusal: { status: number; code: string } | null = null;
  /** How long it takes for a sentence, in milliseconds. */
  slowness = 0;
  private constructor(private readonly server: Server) {}

  static async start(): Promise<SpeechService> {
    const server = createServer();
    const service = new SpeechService(server);
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const refuse = (status: number, code: string) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: { message: `Stand-in: ${code}`, type: "invalid_request_error", param: null, code } }));
      };
      if (request.headers.authorization !== "Bearer sk-test") return refuse(401, "invalid_api_key");
      if (service.refusal) return refuse(service.refusal.status, service.refusal.code);
      if (request.url === "/v1/audio/voices") {
        response.writeHead(200, { "content-type": "application/json" });
        return response.end(JSON.stringify({ voices: [{ id: "af_heart", name: "Heart" }, { id: "bm_george", name: "George" }] }));
      }
      const { input, voice } = JSON.parse(Buffer.concat(chunks).toString());
      if (service.slowness > 0) await new Promise((done) => setTimeout(done, service.slowness));
      service.spoken.push(input);
      service.voices.push(voice);
      if (request.url === "/dev/captioned_speech") {
        // Kokoro-FastAPI's answer; the first word is drawn out, as no estimate would have it.
        const seconds = input.length / 15;
        const words: string[] = input.split(" ");
        const timestamps = words.map((word, at) => ({
          word,
          start_time: at === 0 ? 0 : seconds * (0.6 + (0.4 * at) / words.length),
          end_time: seconds,
        }));
        response.writeHead(200, { "content-type": "application/json" });
        return response.end(JSON.stringify({ audio: hum(seconds).toString("base64"), audio_format: "audio/wav", timestamps }));
      }
      response.writeHead(200, { "content-type": "audio/wav" });
      response.end(hum(input.length / 15));
    };
    server.on("request", (request, response) => void answer(request, response).catch((error: Error) => response.destroy(error)));
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

function hum(seconds: number): Buffer {
  const samples = Math.round(Math.max(seconds, 0.3) * RATE);
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write("RIFF");
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n++) wav.writeInt16LE(Math.round(Math.sin((n * 220 * 2 * Math.PI) / RATE) * 9000), 44 + n * 2);
  return wav;
}
