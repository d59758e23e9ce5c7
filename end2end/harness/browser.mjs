// How Chromium is started: the system's own, without anything that talks to the outside.

const FLAGS = [
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
];

/** Options for Playwright's `chromium.launch`. */
export function launchOptions() {
  // Chromium's sandbox does not run as root, which is who runs containers of builds.
  const asRoot = process.getuid?.() === 0;
  return {
    executablePath: process.env.E2E_CHROMIUM ?? "/usr/bin/chromium",
    args: asRoot ? [...FLAGS, "--no-sandbox"] : FLAGS,
  };
}
