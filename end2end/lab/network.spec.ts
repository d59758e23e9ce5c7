import { visit } from "../harness/pages";
import { runInBrowserNamespace, runInLab } from "./lab.mjs";
import { signIn } from "./site.mjs";
import { expect, test } from "./test";

const PAGES = ["/containers", "/sites", "/clusters", "/hosts", "/domains", "/certificates", "/jobs", "/users"];

/** Creates and deletes a network link with an address in the manager's network namespace. */
const changeLinks = () =>
  runInLab(
    "ip link add change0 type veth peer name change1 && ip link set change1 up && ip link set change0 up && " +
      "ip address add 198.51.100.1/24 dev change0 && ip link delete change0",
  );

test("pages load while network links are created and deleted", async ({ page }) => {
  expect(await runInBrowserNamespace("ip -oneline link"), "the only link is the loopback interface").toMatch(/^1: lo: .*$/);
  await signIn(page);
  for (const path of PAGES) {
    await Promise.all([visit(page, path), changeLinks()]);
    // Again while only the page's event stream is open.
    await changeLinks();
  }
});
