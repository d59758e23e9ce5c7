// Reloads the page when the site was built again or the server started again. Development builds only.
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
  // Only the page that is seen: browsers open six connections to a host, and each tab would take one.
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
