// The client in a real browser, signed in by the session's cookie, on a page that the door itself serves.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const { LINJU_URL: baseUrl, LINJU_ACCOUNT: account, LINJU_PASSWORD: password, LINJU_AREA: area } = process.env;
const executablePath = process.env.LINJU_CHROMIUM ?? "/usr/bin/chromium";
const skip =
  baseUrl === undefined || account === undefined
    ? "LINJU_URL, LINJU_ACCOUNT and LINJU_PASSWORD name no door"
    : !existsSync(executablePath) && "there is no Chromium: install Debian's package `chromium`";

const SCRIPT = `
  import { client, problemOf } from "./dist/index.js";
  import { AreaService, ResidentService } from "./dist/gen/linju/residents/v1/service_pb.js";
  globalThis.linju = { client, problemOf, AreaService, ResidentService };
`;

test("a page signs in and calls", { skip, timeout: 180_000 }, async () => {
  const bundle = await build({
    stdin: { contents: SCRIPT, resolveDir: new URL("..", import.meta.url).pathname },
    bundle: true,
    write: false,
    format: "iife",
  });
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
  try {
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(`${baseUrl}/docs`);
    await page.addScriptTag({ content: bundle.outputFiles[0].text });
    const told = await page.evaluate(
      async ({ account, password, area }) => {
        const { client, problemOf, ResidentService } = globalThis.linju;
        const baseUrl = location.origin;
        const call = async (options) => {
          try {
            return (await client(ResidentService, options).listResidents({ areaCode: area, pageSize: 1 })).residents[0].name;
          } catch (thrown) {
            return problemOf(thrown).reason;
          }
        };
        const before = await call({ baseUrl });
        const signIn = await fetch("/auth/sign-in", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ name: account, password }),
        });
        const { csrf_token: csrf } = await (await fetch("/auth/csrf")).json();
        const without = await call({ baseUrl });
        const after = await call({ baseUrl, csrf });
        const cookies = document.cookie;
        return { before, status: signIn.status, without, after, cookies };
      },
      { account, password, area },
    );
    assert.equal(told.before, "NOT_SIGNED_IN");
    assert.equal(told.status, 200);
    assert.equal(told.without, "CSRF_TOKEN_NEEDED", "the cookie alone does not do");
    assert.match(told.after, /^.\*+$/u);
    assert.equal(told.cookies, "", "no script reads the session");
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
});
