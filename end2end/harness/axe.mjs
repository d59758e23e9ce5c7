// What axe finds on a page. axe runs in the page itself: our pages have no frames, whose results would
// have to be put together on a page of their own.

import axe from "axe-core";

/** A line for each violation of all rules, or of these alone. */
export async function violations(page, rules) {
  // It stays until the page is left.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
  const found = await page.evaluate(async (options) => (await window.axe.run(document, options)).violations, options);
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(" ")}: ${failureSummary}`),
  );
}
