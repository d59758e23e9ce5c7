import { visit } from "../harness/pages";
import { expect, test } from "../harness/test";

test("both nodes of the cluster are shown with their resources", async ({ page }) => {
  await visit(page, "/nodes");
  const cluster = page.getByRole("region", { name: "Cluster demo" });
  await expect(cluster.getByText("online", { exact: true })).toHaveCount(3);
  await expect(cluster.getByText(/Proxmox VE \d/)).toBeVisible();
  for (const name of ["pve1", "pve2"]) {
    const node = cluster.getByRole("row").filter({ hasText: name });
    await expect(node.getByText("online", { exact: true })).toBeVisible();
    await expect(node.getByRole("meter")).toHaveCount(3);
    await expect(node.getByRole("meter", { name: `Memory of ${name}` })).toBeVisible();
  }
});
