// Before the first paint, and so no module: the theme that was chosen in this tab.
(() => {
  try {
    const theme = sessionStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Without session storage the system's theme it is.
  }
})();
