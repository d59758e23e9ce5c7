// Looks that must be right before the first paint: theme and width of the rail. Kept in this
// browser only. Also the two switches for them, so that they work before the program has loaded.
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
      // Without storage the choice lasts as long as the page.
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
