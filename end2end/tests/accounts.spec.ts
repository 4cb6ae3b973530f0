import type { Page } from "@playwright/test";
import { expect, test } from "../support/test";
import { Server } from "../support/server";

const PASSWORD = "a long enough one";

async function logIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function add(page: Page, name: string, role: string): Promise<void> {
  await page.goto("/people");
  const form = page.locator("form", { hasText: "Add somebody" });
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByLabel("May do").selectOption(role);
  await form.getByRole("button").click();
  await expect(page.getByRole("listitem").filter({ hasText: name })).toBeVisible();
}

test("a newcomer on a laptop is asked nothing", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Library");
  await page.goto("/account");
  await expect(page.getByText("Nobody has to log in.")).toBeVisible();
});

// A server of its own: once there are people, everybody has to log in.
test.describe("with people", () => {
  let server: Server;
  test.beforeAll(async () => {
    server = await Server.start();
  });
  test.afterAll(() => server.stop());

  test("they are let in, keep places of their own, and are logged out from afar", async ({ browser }, info) => {
    const person = async () => {
      const { viewport, isMobile, hasTouch, userAgent } = info.project.use;
      const options = { viewport, isMobile, hasTouch, userAgent, baseURL: server.url };
      return (await browser.newContext(options)).newPage();
    };
    const ada = await person();
    await ada.goto("/people");
    await ada.getByLabel("Name").fill("Ada");
    await ada.getByLabel("Password").fill(PASSWORD);
    await ada.getByRole("button", { name: "Have people log in" }).click();
    // The door closes behind her, too.
    await expect(ada).toHaveURL(/\/login\?next=/);
    await logIn(ada, "ada");
    await expect(ada.getByRole("heading", { level: 1 })).toHaveText("People");
    await add(ada, "Max", "member");
    await add(ada, "Lea", "listener");

    // A stranger is led to where one logs in, and then to where they wanted to go.
    const lea = await person();
    const book = await ada.request.get("/api/books").then(async (answer) => (await answer.json())[0].id);
    await lea.goto(`/book/${book}`);
    await expect(lea).toHaveURL(/\/login\?next=/);
    await logIn(lea, "Nobody at all");
    await expect(lea.getByRole("alert")).toHaveText("The name or the password is wrong.");
    await logIn(lea, "Lea");
    await expect(lea).toHaveURL(`/book/${book}`);
    // A listener reads, and is offered nothing that she may not do.
    await expect(lea.getByText("Delete", { exact: true })).toHaveCount(0);
    await lea.goto("/");
    await expect(lea.getByLabel(/Add books/)).toHaveCount(0);
    await lea.goto("/engines");
    await expect(lea.getByRole("alert")).toHaveText("Your account may not do this.");

    // Two people in one book, each with their own place.
    const goTo = (page: Page, sentence: number) =>
      page.evaluate(
        ([book, sentence]) =>
          fetch(`/api/books/${book}/progress`, {
            method: "PUT",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ chapter: 1, sentence }),
          }).then((answer) => answer.status),
        [book, sentence] as const,
      );
    expect(await goTo(ada, 2)).toBe(200);
    expect(await goTo(lea, 5)).toBe(200);
    for (const [page, sentence] of [[ada, 2], [lea, 5]] as const) {
      const place = await page.request.get(`/api/books/${book}/progress`);
      expect((await place.json()).sentence).toBe(sentence);
    }

    // A reading app of hers, with a password that can be typed on it.
    await lea.goto("/account");
    const app = lea.locator("form", { hasText: "A reading app" });
    await app.getByLabel("What it is for").fill("KOReader");
    await app.getByRole("button", { name: "Make a password" }).click();
    await expect(lea.getByText("Log in there as “Lea” with this password.")).toBeVisible();
    const password = await lea.locator("code.token").innerText();
    expect(password).toMatch(/^[a-z2-9]{14}$/);
    const basic = Buffer.from(`Lea:${password}`).toString("base64");
    const catalogue = () => fetch(`${server.url}/opds`, { headers: { authorization: `Basic ${basic}` } });
    expect((await catalogue()).status).toBe(200);
    await lea.getByRole("button", { name: "Withdraw: KOReader" }).click();
    await expect.poll(async () => (await catalogue()).status).toBe(401);

    // A program of hers, for as long as its token is good.
    await lea.goto("/account");
    const program = lea.locator("form", { hasText: "New token" });
    await program.getByLabel("What it is for").fill("My e-reader");
    await program.getByRole("button", { name: "Make a token" }).click();
    const token = await lea.locator("code.token").innerText();
    const ask = () => fetch(`${server.url}/api/books`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask()).status).toBe(200);
    await lea.reload();
    await expect(lea.locator("code.token")).toHaveCount(0);
    await lea.getByRole("button", { name: "Withdraw: My e-reader" }).click();
    await expect(lea.getByText("My e-reader")).toHaveCount(0);
    expect((await ask()).status).toBe(401);

    // Another device of hers, logged out from this one.
    const other = await person();
    await other.goto("/login");
    await logIn(other, "Lea");
    await expect(other.getByRole("heading", { level: 1 })).toHaveText("Library");
    // She has something to note there.
    const marked = await other.evaluate(async (book) => {
      const point = { sentence: 1, offset: 0 };
      const mark = { kind: "bookmark", chapter: 1, start: point, end: point, quote: "Here" };
      const headers = { "content-type": "application/json" };
      return (await fetch(`/api/books/${book}/annotations`, { method: "POST", headers, body: JSON.stringify(mark) })).status;
    }, book);
    expect(marked).toBe(201);
    await other.goto(`/read/${book}/1`);
    await expect(other.locator(".player")).toHaveAttribute("data-live", "true");
    await other.locator(".reader-tools").getByRole("link", { name: "Notes" }).click();
    const panel = other.locator("#panel");
    await panel.getByRole("textbox").fill("Too good to lose.");
    await lea.reload();
    await lea.getByRole("button", { name: /^Log out there/ }).click();
    await expect(lea.getByRole("button", { name: /^Log out there/ })).toHaveCount(0);
    // What she wrote is not taken, and stays.
    await panel.getByRole("button", { name: "Save" }).click();
    await expect(panel.getByRole("alert")).toBeVisible();
    await expect(panel.getByRole("textbox")).toHaveValue("Too good to lose.");
    await other.goto("/settings");
    await expect(other).toHaveURL(/\/login/);

    // Out, and nothing is left to see.
    await lea.getByRole("button", { name: "Log out", exact: true }).click();
    await expect(lea).toHaveURL(/\/login/);
    await lea.goto(`/read/${book}/1`);
    await expect(lea).toHaveURL(/\/login/);

    // A guest makes an account of his own, by a link that is good once.
    await ada.goto("/people");
    const invite = ada.locator("form", { hasText: "Invite somebody" });
    await invite.getByLabel("May do").selectOption("member");
    await invite.getByRole("button").click();
    const link = await ada.locator("code.token").innerText();
    const guest = await person();
    await guest.goto(link);
    await guest.getByLabel("Name").fill("Guy");
    await guest.getByLabel("Password").fill(PASSWORD);
    await guest.getByRole("button", { name: "Create the account" }).click();
    await expect(guest).toHaveURL("/login");
    await logIn(guest, "Guy");
    await expect(guest.getByLabel(/Add books/)).toHaveCount(1);
    const second = await person();
    await second.goto(link);
    await second.getByLabel("Name").fill("Gil");
    await second.getByLabel("Password").fill(PASSWORD);
    await second.getByRole("button", { name: "Create the account" }).click();
    await expect(second.getByRole("alert")).toHaveText("This invitation has been used or is too old. Ask for another.");

    // What somebody may spend; and what happened can be read.
    await ada.goto("/people");
    const line = ada.getByRole("listitem").filter({ hasText: "Guy" }).first();
    await line.getByLabel("Paid characters a month").fill("5000");
    await line.getByRole("button", { name: "Save: Guy" }).click();
    await expect(line.getByLabel("Paid characters a month")).toHaveValue("5000");
    await ada.getByText("What happened").click();
    await expect(ada.getByText("changed what somebody may spend")).toBeVisible();
    expect(await ada.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });
});
