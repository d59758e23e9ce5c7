import { containerPath, visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test("the navigation opens over the page and closes after a selection", async ({ page }) => {
    await visit(page, "/containers");
    await expect(page.getByRole("link", { name: "Jobs", exact: true })).toHaveCount(0);
    await page.getByRole("button", { name: "Navigation" }).click();
    const navigation = page.getByRole("navigation", { name: "Main navigation" });
    await expect(navigation).toBeVisible();
    await navigation.getByRole("link", { name: "Jobs", exact: true }).click();
    await expect(page).toHaveURL("/jobs");
    await expect(navigation).toBeHidden();
  });

  test("the tabs of an object fit the width", async ({ page }) => {
    for (const path of ["/sites/lab", "/clusters/demo", containerPath("wiki"), "/domains"]) {
      await visit(page, path);
      if (path === "/domains") await page.getByRole("link", { name: "lab.example.org", exact: true }).click();
      const tabs = page.locator(".tabs");
      await expect(tabs.getByRole("link", { name: "Settings" })).toBeInViewport({ ratio: 1 });
      expect(await tabs.evaluate((tabs) => tabs.scrollWidth - tabs.clientWidth)).toBe(0);
    }
  });

  test("list rows are shown as cards", async ({ page }) => {
    await visit(page, "/containers");
    const wiki = page.getByRole("row").filter({ hasText: "wiki" });
    const box = await wiki.boundingBox();
    expect(box?.height).toBeGreaterThan(80);
    expect(box?.width).toBeLessThanOrEqual(360);
    await expect(page.getByRole("columnheader", { name: "Name" })).toBeHidden();
  });
});

/** The texts in the cells of lists that wrap to three or more lines. */
function longCells(cells: Element[]): string[] {
  const isText = ({ nodeName }: Node) => ["#text", "#comment", "WBR"].includes(nodeName);
  const lines = (text: Node) => {
    const range = document.createRange();
    // A text with allowed breaks, such as an email address, consists of several nodes.
    const parent = text.parentElement;
    range.selectNodeContents(parent && [...parent.childNodes].every(isText) ? parent : text);
    return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size;
  };
  const long: string[] = [];
  for (const cell of cells) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) if (lines(texts.currentNode) > 2) long.push(texts.currentNode.textContent ?? "");
  }
  return long;
}

test.describe("on a tablet", () => {
  test.use({ viewport: { width: 768, height: 1024 } });

  const lists = ["containers", "jobs", "domains", "certificates", "authorities", "providers", "hosts", "sites", "clusters", "nodes", "users", "invitations"];
  for (const name of lists) {
    test(`no cell of the list of ${name} wraps to three lines, and the page does not scroll sideways`, async ({ page }) => {
      await visit(page, `/${name}`);
      expect(await page.locator(".list td").evaluateAll(longCells)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(768);
    });
  }
});

test.describe("on a desktop", () => {
  test("the navigation can be collapsed and stays collapsed", async ({ page }) => {
    await visit(page, "/containers");
    const rail = page.getByRole("complementary");
    const wide = (await rail.boundingBox())!.width;
    await page.getByRole("button", { name: "Collapse" }).click();
    await expect.poll(async () => (await rail.boundingBox())!.width).toBeLessThan(wide / 2);
    await visit(page, "/jobs");
    expect((await rail.boundingBox())!.width).toBeLessThan(wide / 2);
    // The links of the collapsed navigation keep their accessible names.
    await rail.getByRole("link", { name: "Containers" }).click();
    await expect(page).toHaveURL("/containers");
  });
});
