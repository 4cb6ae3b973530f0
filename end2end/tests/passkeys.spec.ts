import type { CDPSession, Page } from "@playwright/test";
import { expect, test } from "../support/test";
import { Server } from "../support/server";

const PASSWORD = "a long enough one";

/** A device that keeps passkeys, whose owner has just shown their finger. */
async function withDevice(page: Page): Promise<{ client: CDPSession; authenticatorId: string }> {
  const client = await page.context().newCDPSession(page);
  await client.send("WebAuthn.enable");
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { client, authenticatorId };
}

test("a passkey lets in whoever made it, until it is removed", async ({ browser }, info) => {
  test.setTimeout(60_000);
  const server = await Server.start();
  const site = server.url.replace("127.0.0.1", "localhost");
  const { viewport, isMobile, hasTouch, userAgent } = info.project.use;
  const person = async () =>
    (await browser.newContext({ viewport, isMobile, hasTouch, userAgent, baseURL: site })).newPage();
  try {
    const ada = await person();
    const { client, authenticatorId } = await withDevice(ada);
    await ada.goto("/people");
    await ada.getByLabel("Name").fill("Ada");
    await ada.getByLabel("Password").fill(PASSWORD);
    await ada.getByRole("button", { name: "Have people log in" }).click();
    const byPasskey = ada.getByRole("button", { name: "Log in with a passkey" });
    // A device that has none for this site says so by itself, and the page adds nothing.
    await expect(byPasskey).toBeVisible();
    await ada.getByLabel("Name").fill("Ada");
    await ada.getByLabel("Password").fill(PASSWORD);
    await ada.getByRole("button", { name: "Log in", exact: true }).click();
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("People");

    await ada.goto("/account");
    const keys = ada.getByRole("listitem").filter({ hasText: "localhost" });
    await ada.getByRole("button", { name: "Add a passkey" }).click();
    await expect(keys).toHaveCount(1);
    await expect(keys).toContainText("never used");
    const { credentials } = await client.send("WebAuthn.getCredentials", { authenticatorId });
    expect(credentials.map(({ isResidentCredential, rpId }) => ({ isResidentCredential, rpId }))).toEqual([
      { isResidentCredential: true, rpId: "localhost" },
    ]);
    // The same device makes no second one.
    await ada.getByRole("button", { name: "Add a passkey" }).click();
    await expect(ada.getByRole("alert")).toHaveText("This device has a passkey for here already.");

    // It lets her in, to where she wanted to go, and is worth what her password is.
    await ada.getByRole("button", { name: "Log out", exact: true }).click();
    await ada.goto("/people");
    await expect(ada).toHaveURL(/\/login\?next=/);
    const shown = ada.waitForRequest(`${site}/passkey`);
    await byPasskey.click();
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("People");
    await ada.goto("/confirm?next=%2Fpeople");
    await ada.getByRole("button", { name: "Confirm with a passkey" }).click();
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("People");
    await ada.goto("/account");
    await expect(keys).toContainText("used within the last hour");

    // What was shown once is good for nobody a second time, nor is a question for another answer.
    const stranger = await person();
    const data = (await shown).postDataJSON();
    const headers = { origin: site };
    const again = await stranger.request.post("/passkey", { data, headers });
    expect(again.status()).toBe(401);
    const { ticket } = await (await stranger.request.post("/passkey/challenge", { headers })).json();
    const other = await stranger.request.post("/passkey", { data: { ...data, ticket }, headers });
    expect(other.status()).toBe(401);
    expect((await stranger.request.get("/api/books")).status()).toBe(401);
    const { ticket: asked } = await (await ada.request.post("/passkey/challenge", { headers })).json();
    const credential = {
      id: "AAAA",
      rawId: "AAAA",
      type: "public-key",
      response: { attestationObject: "oA", clientDataJSON: "e30" },
    };
    const made = await ada.request.post("/api/passkeys", { data: { ticket: asked, credential }, headers });
    expect(made.status()).toBe(401);

    await ada.getByRole("button", { name: /^Remove: / }).click();
    await expect(keys).toHaveCount(0);
    await ada.getByRole("button", { name: "Log out", exact: true }).click();
    await byPasskey.click();
    await expect(ada.getByRole("alert")).toContainText("The passkey was not accepted.");
    // By its number the site has no name that a passkey could be for.
    await ada.goto(`${server.url}/login`);
    await expect(ada.locator("[data-passkey]")).toBeHidden();
  } finally {
    await server.stop();
  }
});
