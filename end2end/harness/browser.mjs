// Launch options for the system's Chromium, without background network traffic.

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
  // Chromium's sandbox does not work as root, the usual user in CI containers.
  const asRoot = process.getuid?.() === 0;
  return {
    executablePath: process.env.E2E_CHROMIUM ?? "/usr/bin/chromium",
    args: asRoot ? [...FLAGS, "--no-sandbox"] : FLAGS,
  };
}
