// Takes screenshots of scenes in every width and theme: shots/{width}-{theme}/{scene}.png.

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { launchOptions } from "./harness/browser.mjs";
import { SCENES, THEMES, WIDTHS, setView, show } from "./harness/scenes.mjs";
import { Server } from "./harness/server.mjs";
import { openContext, prepare, cleanUp } from "./harness/scene-objects.mjs";

const USAGE = `Usage: node shots.mjs [--page START]... [--width PIXELS]... [--theme light|dark]...

START is the start of the names of scenes, such as "site" for site-new and sites.
Scenes: ${SCENES.map(({ name }) => name).join(", ")}`;
const FOLDER = fileURLToPath(new URL("shots", import.meta.url));

const { values } = parseArgs({
  options: {
    page: { type: "string", multiple: true },
    width: { type: "string", multiple: true },
    theme: { type: "string", multiple: true },
    help: { type: "boolean" },
  },
});
const pages = values.page ?? [""];
const scenes = SCENES.filter(({ name }) => pages.some((page) => name.startsWith(page)));
const widths = values.width?.map(Number) ?? WIDTHS;
const themes = values.theme ?? THEMES;
const known = pages.every((page) => scenes.some(({ name }) => name.startsWith(page)));
if (values.help || !known || widths.some(Number.isNaN) || themes.some((t) => !THEMES.includes(t))) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}

async function takeScreenshots(page, scene) {
  await show(page, scene);
  for (const width of widths) {
    for (const theme of themes) {
      await setView(page, width, theme);
      const folder = `${FOLDER}/${width}-${theme}`;
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: `${folder}/${scene.name}.png`, fullPage: true });
    }
  }
}

const server = await Server.start();
try {
  const browser = await chromium.launch(launchOptions());
  try {
    const sessions = await prepare(server, browser);
    for (const scene of scenes) {
      const context = await openContext(browser, server, sessions[scene.user]);
      await takeScreenshots(await context.newPage(), scene);
      await context.close();
      console.log(scene.name);
    }
    await cleanUp(server, browser, sessions);
    console.log(`${scenes.length * widths.length * themes.length} screenshots in ${FOLDER}`);
  } finally {
    await browser.close();
  }
} finally {
  await server.stop();
}
