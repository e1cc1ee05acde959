// What is looked at: kept in the address after #, so that a link leads to the same view.

const state = {
  who: "",
  where: "",
  /** @type {Set<string>} keys of the legend; empty: all */
  show: new Set(),
  group: "",
  zone: "",
  gate: "",
  /** a finding whose pairs alone are shown: `excess:0` */
  finding: "",
  /** index into ZOOMS; -1: by the size of the matrix */
  zoom: -1,
  /** @type {{row: number, column: number}} the cell that the keyboard is at */
  active: { row: -1, column: -1 },
  opened: false,
};

const TEXTS = /** @type {const} */ (["who", "where", "group", "zone", "gate", "finding"]);

function readAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  for (const name of TEXTS) state[name] = found.get(name) || "";
  state.show = new Set((found.get("show") || "").split(",").filter((key) => KEYS.some((one) => one.key === key)));
  const zoom = found.get("zoom");
  state.zoom = zoom === null ? -1 : Math.max(0, Math.min(ZOOMS.length - 1, Number(zoom) || 0));
  const row = CALLERS.findIndex((one) => one.name === found.get("from"));
  const column = DESTINATIONS.findIndex((one) => one.name === found.get("to"));
  state.opened = row >= 0 && column >= 0;
  if (state.opened) state.active = { row, column };
}

function writeAddress() {
  const next = new URLSearchParams();
  for (const name of TEXTS) if (state[name]) next.set(name, state[name]);
  if (state.show.size) next.set("show", [...state.show].join(","));
  if (state.zoom >= 0) next.set("zoom", String(state.zoom));
  if (state.opened) {
    next.set("from", CALLERS[state.active.row].name);
    next.set("to", DESTINATIONS[state.active.column].name);
  }
  const hash = next.toString();
  // Not with location.hash: every letter that is typed would be a step back in the history.
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

const isFiltered = () => TEXTS.some((name) => state[name]) || state.show.size > 0;
