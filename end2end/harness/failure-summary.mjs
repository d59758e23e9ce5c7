// The last words of a run: each failed test with what it said first, in few lines, so that the end
// of a long log says what to look at.

const COLOURS = /\u001b\[[0-9;]*m/g;
const LINES = 12;

/** A reporter beside Playwright's own. */
export default class Short {
  #suite;

  onBegin(_config, suite) {
    this.#suite = suite;
  }

  onEnd() {
    for (const test of this.#suite.allTests().filter((test) => test.outcome() === "unexpected")) {
      console.log(`\nFAILED ${test.titlePath().filter(Boolean).join(" › ")}`);
      for (const { message } of test.results.flatMap((result) => result.errors)) {
        const lines = (message ?? "").replace(COLOURS, "").split("\n").filter((line) => line.trim());
        console.log(lines.slice(0, LINES).map((line) => `  ${line}`).join("\n"));
      }
    }
  }

  printsToStdio() {
    return false;
  }
}
