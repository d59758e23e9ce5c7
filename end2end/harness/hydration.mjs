// Hydration: the server sends complete markup, and the application makes it interactive later.

/** Marks the document of each page in a context once the application has hydrated it. */
export async function trackHydration(context) {
  await context.addInitScript(() => {
    // The application dispatches this event on `window` once it receives change notifications.
    addEventListener("holdfast-listen", () => (document.documentElement.dataset.hydrated = ""));
  });
}

/** Waits until the page is hydrated, so that buttons work. */
export async function waitUntilHydrated(page) {
  await page.waitForFunction(() => "hydrated" in document.documentElement.dataset);
  // Parts of the page with initial data are hydrated right after the rest.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
}

/** Opens a path and waits until the page is hydrated. */
export async function visit(page, path) {
  const response = await page.goto(path);
  await waitUntilHydrated(page);
  return response;
}
