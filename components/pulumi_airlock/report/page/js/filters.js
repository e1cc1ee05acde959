// Which cells are meant, and the tools to say so.

/** @type {Uint8Array} callers × destinations: whether a cell is meant */
let meant = new Uint8Array(CALLERS.length * DESTINATIONS.length);
/** @type {{rows: number[], columns: number[], cells: number}} what is shown */
let shown = { rows: [], columns: [], cells: 0 };

/** @param {string} query @param {string[]} texts */
const matches = (query, texts) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => texts.some((one) => one.toLowerCase().includes(word)));
};

/** @param {Facts} facts */
const factTexts = (facts) => facts.map(([, value]) => value);

function applyFilters() {
  const finding = findingOf(state.finding);
  const rows = CALLERS.map((one, row) => row).filter(
    (row) =>
      (!state.who || matches(state.who, [CALLERS[row].name, ...factTexts(CALLERS[row].facts)])) &&
      (!state.group || groupOf(CALLERS[row]) === state.group) &&
      (!finding || finding.callers.has(row)),
  );
  const columns = DESTINATIONS.map((one, column) => column).filter(
    (column) =>
      (!state.where || matches(state.where, [DESTINATIONS[column].name, ...factTexts(DESTINATIONS[column].facts)])) &&
      (!state.zone || DATA.zones[DESTINATIONS[column].zone].name === state.zone) &&
      (!finding || finding.destinations.has(column)),
  );
  const good = ENTRIES.map(
    (entry, number) =>
      (!state.show.size || state.show.has(ENTRY_KEYS[number]) || entry.faults.some((fault) => state.show.has(fault))) &&
      (!state.gate || REFUSING[number].has(state.gate)),
  );
  meant = new Uint8Array(CALLERS.length * DESTINATIONS.length);
  const someRow = new Uint8Array(CALLERS.length);
  const someColumn = new Uint8Array(DESTINATIONS.length);
  let cells = 0;
  for (const column of columns) {
    const found = DATA.columns[column];
    const fits = found.entries.map((/** @type {number} */ entry) => good[entry]);
    for (const row of rows) {
      if (!fits[found.cells[row]]) continue;
      meant[row * DESTINATIONS.length + column] = 1;
      someRow[row] = someColumn[column] = 1;
      cells += 1;
    }
  }
  shown = { rows: rows.filter((row) => someRow[row]), columns: columns.filter((column) => someColumn[column]), cells };
}

/** @param {string} name `excess:0` @returns {{callers: Set<number>, destinations: Set<number>} | null} */
function findingOf(name) {
  const [kind, number] = name.split(":");
  const found = (DATA.findings[kind] || [])[Number(number)];
  return found ? { callers: new Set(found[0]), destinations: new Set(found[1]) } : null;
}

/** How many cells each key of the legend has. */
function countKeys() {
  const perEntry = new Uint32Array(ENTRIES.length);
  for (const column of DATA.columns) for (const cell of column.cells) perEntry[column.entries[cell]] += 1;
  /** @type {Record<string, number>} */
  const found = {};
  ENTRIES.forEach((entry, number) => {
    for (const key of new Set([ENTRY_KEYS[number], ...entry.faults])) found[key] = (found[key] || 0) + perEntry[number];
  });
  return found;
}

/** @param {() => void} changed called after every change */
function makeTools(changed) {
  const counts = countKeys();
  const legend = el("ul", { class: "legend", "aria-label": "Legend: choose what to show" });
  for (const one of KEYS) {
    if (!counts[one.key]) continue;
    const press = () => {
      if (!state.show.delete(one.key)) state.show.add(one.key);
      changed();
    };
    const button = el(
      "button",
      { type: "button", "data-key": one.key, "aria-pressed": "false", onclick: press },
      el("span", { class: `sign s-${one.key}`, "aria-hidden": "true" }, one.sign),
      el("span", {}, one.words),
      el("span", { class: "number" }, counts[one.key].toLocaleString("en")),
    );
    legend.append(el("li", {}, button));
  }
  const bar = el(
    "div",
    { class: "bar", role: "search" },
    search("who", "Caller", "name, DAG, owner …", changed),
    search("where", "Destination", "name, address, port …", changed),
    choice("group", "Group", GROUPS, changed),
    choice("zone", "Zone", DATA.zones.map((/** @type {{name: string}} */ one) => one.name), changed),
    choice("gate", "Refused by", GATES, changed),
  );
  const view = el(
    "div",
    { class: "bar" },
    el("span", { id: "result", class: "result", role: "status" }),
    el("button", { type: "button", id: "clear", onclick: () => clearFilters(changed) }, "Clear filters"),
    el("button", { type: "button", id: "smaller", "aria-label": "Smaller cells", onclick: () => zoomBy(-1, changed) }, "−"),
    el("button", { type: "button", id: "larger", "aria-label": "Larger cells", onclick: () => zoomBy(1, changed) }, "+"),
    el("button", { type: "button", id: "help", onclick: showKeys }, "Keys (?)"),
  );
  byId("tools").replaceChildren(legend, bar, view);
  byId("tools").hidden = false;
}

/** @param {"who" | "where"} name @param {string} label @param {string} hint @param {() => void} changed */
function search(name, label, hint, changed) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { type: "search", id: `find-${name}`, placeholder: hint, autocomplete: "off", spellcheck: "false" })
  );
  input.addEventListener("input", () => {
    state[name] = input.value;
    changed();
  });
  return el("label", {}, label, input);
}

/** @param {"group" | "zone" | "gate"} name @param {string} label @param {string[]} values @param {() => void} changed */
function choice(name, label, values, changed) {
  const options = values.map((value) => el("option", { value }, value));
  const select = /** @type {HTMLSelectElement} */ (
    el("select", { id: `choose-${name}` }, el("option", { value: "" }, "all"), ...options)
  );
  select.addEventListener("change", () => {
    state[name] = select.value;
    changed();
  });
  return el("label", {}, label, select);
}

/** @param {() => void} changed */
function clearFilters(changed) {
  for (const name of TEXTS) state[name] = "";
  state.show.clear();
  changed();
}

/** @param {number} by @param {() => void} changed */
function zoomBy(by, changed) {
  const next = Math.max(0, Math.min(ZOOMS.length - 1, zoomLevel() + by));
  state.zoom = next;
  changed();
}

/** @returns {number} the chosen zoom, or one that suits how much there is */
function zoomLevel() {
  if (state.zoom >= 0) return state.zoom;
  const most = Math.max(CALLERS.length, DESTINATIONS.length);
  return most <= 48 ? 2 : most <= 160 ? 1 : 0;
}

/** Brings the tools in line with what is looked at. */
function showTools() {
  for (const button of byId("tools").querySelectorAll("button[data-key]")) {
    button.setAttribute("aria-pressed", String(state.show.has(button.getAttribute("data-key") || "")));
  }
  for (const name of /** @type {const} */ (["who", "where"])) {
    const input = /** @type {HTMLInputElement} */ (byId(`find-${name}`));
    if (input.value !== state[name]) input.value = state[name];
  }
  for (const name of /** @type {const} */ (["group", "zone", "gate"])) {
    /** @type {HTMLSelectElement} */ (byId(`choose-${name}`)).value = state[name];
  }
  /** @type {HTMLButtonElement} */ (byId("clear")).disabled = !isFiltered();
  /** @type {HTMLButtonElement} */ (byId("smaller")).disabled = zoomLevel() === 0;
  /** @type {HTMLButtonElement} */ (byId("larger")).disabled = zoomLevel() === ZOOMS.length - 1;
  const pairs = counted(shown.cells, "pair");
  const size = `${counted(shown.rows.length, "caller")} × ${counted(shown.columns.length, "destination")}`;
  const only = state.finding ? " of one finding" : "";
  byId("result").textContent = isFiltered() ? `${pairs} of what you look for${only}: ${size}` : `All of it: ${size}`;
}
