import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { freePort } from "../support/proxy";
import { Server } from "../support/server";
import { expect, test } from "../support/test";

const PASSWORD = "a long enough one";

/** Logs in at the provider, which asks for anything, and the first time for consent. */
async function atProvider(page: Page, name: string): Promise<void> {
  await page.locator('input[name="login"]').fill(name);
  await page.locator('input[name="password"]').fill("anything");
  await page.locator('button[type="submit"]').click();
  const consent = page.getByRole("button", { name: "Continue" });
  await Promise.race([consent.waitFor(), page.waitForURL((url) => url.hostname === "127.0.0.1")]);
  if (await consent.isVisible()) await consent.click();
}

test("people log in with a provider that they have already", async ({ browser }, info) => {
  test.skip(info.project.name !== "desktop", "it is not about the size");
  test.setTimeout(90_000);
  const [port, providers] = [await freePort(), await freePort()];
  const site = `http://127.0.0.1:${port}`;
  const back = ["home", "club"].map((name) => `${site}/login/${name}/back`);
  const provide = async () => {
    const started = spawn("node", [join(import.meta.dirname, "../support/identity.mjs"), String(providers), ...back], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(started.stdout, "data");
    return started;
  };
  let identity = await provide();
  const folder = mkdtempSync(join(tmpdir(), "providers-"));
  writeFileSync(join(folder, "secret"), "hush\n");
  const provider = {
    // Another site than ours, as providers are.
    issuer: `http://localhost:${providers}`,
    client_id: "earmark",
    client_secret_file: join(folder, "secret"),
  };
  const home = { ...provider, name: "home", label: "Home", new_users: "listener" };
  const club = { ...provider, name: "club", label: "The Club" };
  writeFileSync(join(folder, "providers.json"), JSON.stringify([home, club]));
  const server = await Server.start("others", ["--addr", `127.0.0.1:${port}`, "--url", site, "--oidc-providers", join(folder, "providers.json")]);
  try {
    const person = async () => (await browser.newContext({ baseURL: site })).newPage();
    const ada = await person();
    // Nobody comes in by a provider before there is somebody who runs the place.
    await ada.goto("/login/home");
    await atProvider(ada, "mallory");
    await expect(ada.getByRole("alert")).toBeVisible();
    await ada.context().clearCookies();
    await ada.goto(server.setUpPage);
    await ada.getByLabel("Name").fill("Ada");
    await ada.getByLabel("Password").fill(PASSWORD);
    await ada.getByRole("button").click();
    await ada.getByLabel("Name").fill("Ada");
    await ada.getByLabel("Password").fill(PASSWORD);
    await ada.getByRole("button", { name: "Log in" }).click();
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("Library");

    // She has the provider let her in from now on.
    await ada.goto("/account");
    await ada.getByRole("link", { name: "Log in with Home from now on" }).click();
    await atProvider(ada, "ada-at-home");
    await expect(ada).toHaveURL("/account");
    await expect(ada.getByText(provider.issuer)).toBeVisible();
    await ada.getByRole("button", { name: "Log out", exact: true }).click();
    await ada.goto("/settings");
    await expect(ada).toHaveURL(/\/login\?next=/);
    await ada.getByRole("link", { name: "Log in with Home" }).click();
    await expect(ada).toHaveURL("/settings");
    await ada.goto("/account");
    await expect(ada.getByText("You are Ada, admin here.")).toBeVisible();
    // What runs the place asks again, and the provider does: that it knew the browser was enough to come in, not for this.
    await ada.goto("/people");
    await expect(ada).toHaveURL(/\/confirm\?next=/);
    await ada.getByRole("link", { name: "Confirm with Home" }).click();
    await atProvider(ada, "somebody-else");
    await expect(ada.getByRole("alert")).toContainText("That login is not known here.");
    await ada.goto("/confirm?next=%2Fpeople");
    await ada.getByRole("link", { name: "Confirm with Home" }).click();
    await atProvider(ada, "ada-at-home");
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("People");

    // A program has no session for a provider to be linked to, whatever its token is for.
    await ada.goto("/account");
    for (const box of await ada.getByRole("checkbox").all()) await box.check();
    await ada.locator("form", { hasText: "New token" }).getByLabel("What it is for").fill("Everything");
    await ada.getByRole("button", { name: "Make a token" }).click();
    const authorization = `Bearer ${await ada.locator("code.token").innerText()}`;
    const linking = await fetch(`${site}/account/link/home`, { headers: { authorization }, redirect: "manual" });
    expect(linking.status).toBe(403);
    // Nor does a page of another site begin that for her.
    const foreign = await ada.context().newPage();
    await foreign.goto(`http://localhost:${port}/offline`).catch(() => {});
    await foreign.evaluate((address) => location.assign(address), `${site}/account/link/home`);
    await expect(foreign.locator("body")).toContainText("Requests from other sites are not accepted.");
    await foreign.close();

    // Somebody new may come by the one provider, and by the other nobody.
    const zoe = await person();
    await zoe.goto("/login");
    await zoe.getByRole("link", { name: "Log in with The Club" }).click();
    await atProvider(zoe, "Ada");
    await expect(zoe).toHaveURL("/login");
    await expect(zoe.getByRole("alert")).toContainText("That login is not known here.");
    await zoe.getByRole("link", { name: "Log in with Home" }).click();
    // The name that the provider tells is somebody's already, and makes nobody them.
    await expect(zoe.getByRole("heading", { level: 1 })).toHaveText("Library");
    await zoe.goto("/account");
    await expect(zoe.getByText("You are Ada 2, listener here.")).toBeVisible();
    // She has no password that could be asked for.
    await expect(zoe.getByLabel("The password until now")).toHaveCount(0);
    await zoe.getByRole("button", { name: "Remove" }).click();
    await expect(zoe.getByRole("heading", { level: 1 })).toHaveText("Is it you?");
    await expect(zoe.locator("input[type=password]")).toHaveCount(0);
    await zoe.getByRole("link", { name: "Confirm with Home" }).click();
    await atProvider(zoe, "Ada");
    await expect(zoe).toHaveURL("/account");
    await zoe.getByRole("button", { name: "Remove" }).click();
    await expect(zoe.getByRole("alert")).toHaveText("It is the only way you can log in.");

    // The provider signs with another key from now on, and lets people in as before.
    identity.kill();
    await once(identity, "exit");
    identity = await provide();
    const again = await person();
    await again.goto("/login");
    await again.getByRole("link", { name: "Log in with Home" }).click();
    await atProvider(again, "Ada");
    await expect(again.getByRole("heading", { level: 1 })).toHaveText("Library");
    // What was filled in is still there when the provider has said that it is the same person.
    await again.goto("/account");
    const form = again.locator("form", { hasText: "New token" });
    const fill = async () => {
      await form.getByLabel("What it is for").fill("Kitchen radio");
      await form.getByLabel("For how many days").fill("30");
      await form.getByLabel("read books").uncheck();
      await form.getByLabel("use voices that cost money").check();
    };
    await expect(again.locator("html")).toHaveAttribute("data-panels", "live");
    await fill();
    await again.getByRole("button", { name: "Make a token" }).click();
    await again.getByRole("link", { name: "Confirm with Home" }).click();
    await atProvider(again, "Ada");
    await expect(again).toHaveURL("/account");
    await expect(form.getByLabel("What it is for")).toHaveValue("Kitchen radio");
    await expect(form.getByLabel("For how many days")).toHaveValue("30");
    await expect(form.getByLabel("read books")).not.toBeChecked();
    await expect(form.getByLabel("use voices that cost money")).toBeChecked();
    await again.getByRole("button", { name: "Make a token" }).click();
    await expect(again.locator("code.token")).toBeVisible();
    await expect(form.getByLabel("What it is for")).toHaveValue("");

    // What comes back without having left lets nobody in, nor what was used.
    const stranger = await person();
    for (const address of ["/login/home/back?code=x&state=y", "/login/home/back", "/login/nowhere", "/login/nowhere/back"]) {
      await stranger.goto(address);
      await expect(stranger).toHaveURL("/login");
      await expect(stranger.getByRole("alert")).toBeVisible();
    }
    expect((await stranger.request.get("/api/books")).status()).toBe(401);
  } finally {
    await server.stop();
    identity.kill();
  }
});
