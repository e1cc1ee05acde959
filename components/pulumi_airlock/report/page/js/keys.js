// The keyboard.

const HELP = [
  ["← ↑ ↓ →", "go to the next cell"],
  ["Home, End", "the first or last cell of the row; with Ctrl of all"],
  ["Page ↑, Page ↓", "ten rows up or down"],
  ["Enter", "open the cell: its path, gate by gate"],
  ["Esc", "close what is open; then clear the filters"],
  ["n, p", "the next or previous cell that fails the proof"],
  ["/", "search a caller; once more: a destination"],
  ["+, −", "larger or smaller cells"],
  ["?", "these keys"],
];

function showKeys() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  const rows = HELP.map(([key, what]) => el("tr", {}, el("td", {}, el("kbd", {}, key)), el("td", {}, what)));
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(el("h2", { id: "keys-title" }, "Keys"), el("table", {}, el("tbody", {}, ...rows)), close);
  dialog.showModal();
}

/** @param {() => void} changed */
function listenToKeys(changed) {
  document.addEventListener("keydown", (event) => {
    const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
    if (dialog.open || event.altKey || event.metaKey) return;
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    const done = typing ? onTyping(event) : event.target instanceof Element && event.target.closest(".matrix") ? onGrid(event) : false;
    if (done || (!typing && onPage(event, changed))) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event @returns {boolean} whether the key meant something */
function onTyping(event) {
  if (event.key === "/" && event.target === byId("find-who") && !state.who) byId("find-where").focus();
  else if (event.key === "Escape" || event.key === "Enter") {
    if (event.key === "Escape" && event.target instanceof HTMLInputElement && event.target.value) return false;
    focusCell();
  } else return false;
  return true;
}

/** @param {KeyboardEvent} event @param {() => void} changed @returns {boolean} */
function onPage(event, changed) {
  if (event.ctrlKey) return false;
  if (event.key === "/") byId("find-who").focus();
  else if (event.key === "?") showKeys();
  else if (event.key === "+" || event.key === "=") zoomBy(1, changed);
  else if (event.key === "-") zoomBy(-1, changed);
  else if (event.key === "n" || event.key === "p") goToFault(event.key === "n" ? 1 : -1);
  else if (event.key === "Escape" && state.opened) closeDetail();
  else if (event.key === "Escape" && isFiltered()) clearFilters(changed);
  else return false;
  return true;
}

/** @param {KeyboardEvent} event @returns {boolean} */
function onGrid(event) {
  const y = down.placeOf.get(state.active.row);
  const x = across.placeOf.get(state.active.column);
  if (y === undefined || x === undefined) return false;
  const last = { x: across.indexes.length - 1, y: down.indexes.length - 1 };
  const whole = event.ctrlKey;
  /** @type {Record<string, [number, number]>} */
  const moves = {
    ArrowLeft: [x - 1, y],
    ArrowRight: [x + 1, y],
    ArrowUp: [x, y - 1],
    ArrowDown: [x, y + 1],
    PageUp: [x, y - 10],
    PageDown: [x, y + 10],
    Home: [0, whole ? 0 : y],
    End: [last.x, whole ? last.y : y],
  };
  if (event.key === "Enter" || event.key === " ") {
    choose(state.active.row, state.active.column, { open: true, enter: true });
    return true;
  }
  const move = moves[event.key];
  if (!move || (whole && !["Home", "End"].includes(event.key))) return false;
  const to = [Math.max(0, Math.min(last.x, move[0])), Math.max(0, Math.min(last.y, move[1]))];
  choose(down.indexes[to[1]], across.indexes[to[0]]);
  return true;
}

function focusCell() {
  if (state.active.row >= 0) choose(state.active.row, state.active.column);
}

/** Goes to the next cell that fails the proof, in reading order. @param {1 | -1} direction */
function goToFault(direction) {
  const width = across.indexes.length;
  const total = width * down.indexes.length;
  const here = (down.placeOf.get(state.active.row) ?? 0) * width + (across.placeOf.get(state.active.column) ?? 0);
  for (let far = 1; far <= total; far += 1) {
    const there = (here + direction * far + total) % total;
    const row = down.indexes[Math.floor(there / width)];
    const column = across.indexes[there % width];
    if (ENTRIES[entryAt(row, column)].faults.length) {
      choose(row, column);
      return;
    }
  }
}
