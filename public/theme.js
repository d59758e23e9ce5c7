// Applies the theme and the width of the navigation rail before the first paint. Both settings are
// stored in this browser only. Also handles their buttons, so that these work before hydration.
(() => {
  const root = document.documentElement;
  const themes = ["system", "light", "dark"];
  const read = (key, fallback) => {
    try {
      return localStorage.getItem(key) ?? fallback;
    } catch {
      return fallback;
    }
  };
  const write = (key, value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      // Without storage the setting lasts until the page is unloaded.
    }
  };
  const theme = read("holdfast.theme", "system");
  root.dataset.theme = themes.includes(theme) ? theme : "system";
  root.dataset.rail = read("holdfast.rail", "wide") === "narrow" ? "narrow" : "wide";

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-switch]");
    if (!button) return;
    if (button.dataset.switch === "theme") {
      const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
      root.dataset.theme = next;
      write("holdfast.theme", next);
    } else {
      const next = root.dataset.rail === "narrow" ? "wide" : "narrow";
      root.dataset.rail = next;
      write("holdfast.rail", next);
    }
  });
})();
