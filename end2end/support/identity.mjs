// A provider of logins: oidc-provider, which is certified for OpenID Connect. Run as `node identity.mjs PORT BACK...`.
import Provider from "oidc-provider";

const [port, ...back] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "earmark", client_secret: "hush", redirect_uris: back, grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "name"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, name: id }) }),
});
provider.listen(Number(port), "localhost", () => console.log("ready"));
