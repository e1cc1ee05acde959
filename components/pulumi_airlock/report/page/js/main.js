// Puts it all together.

/** After every change of what is looked at. */
function changed() {
  applyFilters();
  layOutGrid();
  showTools();
  showDetail(false);
  writeAddress();
}

const THEMES = /** @type {const} */ (["automatic", "light", "dark"]);

/** @param {(typeof THEMES)[number]} theme */
function useTheme(theme) {
  if (theme === "automatic") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
  drawMap();
  frameMap();
}

function makeTheme() {
  let theme = 0;
  const button = byId("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = (theme + 1) % THEMES.length;
    useTheme(THEMES[theme]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => useTheme(THEMES[theme]));
}

/** @param {Event} event "Show in the matrix", on a finding */
function showFinding(event) {
  const { kind, number } = /** @type {HTMLElement} */ (event.currentTarget).dataset;
  clearFilters(() => {
    state.finding = `${kind}:${number}`;
    state.show = new Set([kind || ""]);
    state.opened = false;
    applyFilters();
    // What is wrong on a port that nobody declared has no cell of its own: then the pairs are shown as they are.
    if (!shown.cells) state.show.clear();
    changed();
  });
  byId("matrix-title").scrollIntoView();
  focusCell();
}

readAddress();
makeTools(changed);
makeGrid();
makeTheme();
changed();
if (state.opened) choose(state.active.row, state.active.column, { open: true, focus: false });
listenToKeys(changed);
document.querySelectorAll("button.show").forEach((one) => {
  /** @type {HTMLElement} */ (one).hidden = false;
  one.addEventListener("click", showFinding);
});
addEventListener("hashchange", () => {
  readAddress();
  changed();
});
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
