// Reloads the page when the site was built again or the server started again. Debug builds only.
(() => {
  let process;
  const source = new EventSource("/dev/reload");
  source.addEventListener("started", ({ data }) => {
    if (process !== undefined && process !== data) location.reload();
    process = data;
  });
  source.addEventListener("rebuilt", () => location.reload());
})();
