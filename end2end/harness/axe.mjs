// Runs axe in the page itself, since the pages have no frames whose results would need merging.

import axe from "axe-core";

/** Returns a line for each violation of all rules, or of the given rules only. */
export async function violations(page, rules) {
  // The script stays loaded until the next navigation.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
  const results = await page.evaluate(async (options) => (await window.axe.run(document, options)).violations, options);
  return results.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(" ")}: ${failureSummary}`),
  );
}
