// A provider of logins: oidc-provider, which is certified for OpenID Connect. Run as `node identity.mjs PORT BACK...`.
// Each run signs with a key of its own, as a provider does that has changed it.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const [port, ...back] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, kid: randomUUID(), use: "sig", alg: "RS256" }] },
  clients: [{ client_id: "earmark", client_secret: "hush", redirect_uris: back, grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "name"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, name: id }) }),
});
provider.listen(Number(port), "localhost", () => console.log("ready"));
