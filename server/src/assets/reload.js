// Reloads the page after the web assets were rebuilt or the server restarted. Development builds only.
(() => {
  let build;
  let source;
  const connect = () => {
    source = new EventSource("/dev/reload");
    source.addEventListener("started", ({ data }) => {
      if (build !== undefined && build !== data) location.reload();
      build = data;
    });
    source.addEventListener("rebuilt", () => location.reload());
  };
  // Only the visible page is connected: browsers open six connections per host, and each tab would
  // use one.
  const onVisibilityChange = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else if (!source) {
      connect();
    }
  };
  document.addEventListener("visibilitychange", onVisibilityChange);
  onVisibilityChange();
})();
