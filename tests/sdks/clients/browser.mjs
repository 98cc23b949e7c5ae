// Opens a page in headless Chromium, with a recording as its microphone, and prints what the page has collected.
//   node browser.mjs PAGE_URL WAV_FILE PROFILE_FOLDER SECONDS
import { chromium } from "playwright-core";

const [page_url, recording, profile, seconds] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  permissions: ["microphone"],
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${recording}%noloop`,
  ],
});
try {
  const page = await context.newPage();
  page.on("console", (told) => process.stderr.write(`page: ${told.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`page error: ${error}\n`));
  await page.goto(page_url);
  await page.waitForFunction(() => window.came && window.came.done, null, { timeout: Number(seconds) * 1000 });
  process.stdout.write("\nRESULT " + JSON.stringify(await page.evaluate(() => window.came)) + "\n");
} finally {
  await context.close();
}
