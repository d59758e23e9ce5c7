// A reporter that lists each failed test with the first lines of its error at the end of the log.

const COLORS = /\u001b\[[0-9;]*m/g;
const LINES = 12;

/** An additional Playwright reporter. */
export default class FailureSummary {
  #suite;

  onBegin(_config, suite) {
    this.#suite = suite;
  }

  onEnd() {
    for (const test of this.#suite.allTests().filter((test) => test.outcome() === "unexpected")) {
      console.log(`\nFAILED ${test.titlePath().filter(Boolean).join(" › ")}`);
      for (const { message } of test.results.flatMap((result) => result.errors)) {
        const lines = (message ?? "").replace(COLORS, "").split("\n").filter((line) => line.trim());
        console.log(lines.slice(0, LINES).map((line) => `  ${line}`).join("\n"));
      }
    }
  }

  printsToStdio() {
    return false;
  }
}
