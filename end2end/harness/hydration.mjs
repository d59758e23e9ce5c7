// When a page can be used: the server's markup is there at once, and the application takes it over
// a moment later.

/** Has the pages of a context tell when the application has taken them over. */
export async function tellWhenAlive(context) {
  await context.addInitScript(() => {
    // The application says so on `window` once it listens to what happens elsewhere.
    addEventListener("holdfast-listen", () => (document.documentElement.dataset.alive = ""));
  });
}

/** Waits until the application has taken the page over, so that buttons do what they say. */
export async function alive(page) {
  await page.waitForFunction(() => "alive" in document.documentElement.dataset);
  // Parts of the page that came with data are taken over right after the rest.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
}

/** Opens an address and waits until the application has taken the page over. */
export async function visit(page, path) {
  const answer = await page.goto(path);
  await alive(page);
  return answer;
}
