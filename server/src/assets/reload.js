// Reloads the page after the site was rebuilt or the server restarted. Development builds only.
(() => {
  let build;
  let source;
  const listen = () => {
    source = new EventSource("/dev/reload");
    source.addEventListener("started", ({ data }) => {
      if (build !== undefined && build !== data) location.reload();
      build = data;
    });
    source.addEventListener("rebuilt", () => location.reload());
  };
    // Only the visible page listens: browsers open six connections per host, and each tab would use one.
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else if (!source) {
      listen();
    }
  };
  document.addEventListener("visibilitychange", follow);
  follow();
})();
