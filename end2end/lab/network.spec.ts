import { visit } from "../harness/pages";
import { browserHost, here } from "./lab.mjs";
import { signIn } from "./site.mjs";
import { expect, test } from "./test";

const PAGES = ["/containers", "/sites", "/clusters", "/agents", "/domains", "/certificates", "/jobs", "/users"];

/** Creates a network link with an address in the lab's own network, where the manager is, and deletes it. */
const changeLinks = () =>
  here(
    "ip link add change0 type veth peer name change1 && ip link set change1 up && ip link set change0 up && " +
      "ip address add 198.51.100.1/24 dev change0 && ip link delete change0",
  );

test("pages load while network links are created and deleted", async ({ page }) => {
  expect(await browserHost("ip -oneline link"), "the only link is the loopback interface").toMatch(/^1: lo: .*$/);
  await signIn(page);
  for (const path of PAGES) {
    await Promise.all([visit(page, path), changeLinks()]);
    // Once more while the page's connection is open and nothing is requested but its event stream.
    await changeLinks();
  }
});
