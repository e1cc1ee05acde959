// The matrix: an accessible grid of which only what is in sight exists.

const OVERSCAN = 4;

/** @type {Axis} */
let across = layOut([], () => "", 1, 0);
/** @type {Axis} */
let down = across;
let step = 30;
let headHeight = 120;
let nameWidth = 180;

/** @type {Map<number, HTMLElement>} place of a row → its element */
const lines = new Map();
/** @type {Map<number, HTMLElement>} place of a column → its head */
const heads = new Map();

const parts = {
  matrix: el("div", { class: "matrix", role: "grid", id: "matrix", "aria-label": "Callers and destinations", tabindex: "-1" }),
  extent: el("div", { class: "extent", role: "presentation" }),
  heads: el("div", { class: "heads", role: "row", "aria-rowindex": "1" }),
  corner: el("div", { class: "corner", role: "columnheader", "aria-colindex": "1" }, "from ↓  to →"),
  reading: el("p", { class: "reading", "aria-hidden": "true" }),
  map: el("div", { class: "map", "aria-hidden": "true" }),
};

/** Puts the matrix on the page; once. */
function makeGrid() {
  parts.heads.append(parts.corner);
  parts.extent.append(parts.heads);
  parts.matrix.append(parts.extent);
  byId("stage").append(el("div", { class: "plot" }, parts.reading, parts.matrix), el("div", { class: "side", id: "side" }, parts.map));
  byId("stage").hidden = false;
  parts.matrix.addEventListener("scroll", () => requestAnimationFrame(showSight), { passive: true });
  parts.matrix.addEventListener("click", (event) => {
    const cell = cellOf(event.target);
    if (cell) choose(cell.row, cell.column, { open: true });
  });
  parts.matrix.addEventListener("mouseover", (event) => {
    const cell = cellOf(event.target);
    if (cell) read(cell.row, cell.column);
  });
  parts.matrix.addEventListener("mouseleave", () => read(state.active.row, state.active.column));
  new ResizeObserver(() => showSight()).observe(parts.matrix);
}

/** @param {EventTarget | null} target @returns {{row: number, column: number} | null} */
function cellOf(target) {
  const found = target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest(".cell")) : null;
  return found ? { row: Number(found.dataset.row), column: Number(found.dataset.column) } : null;
}

/** Lays everything out anew: after a change of what is shown, or of the zoom. */
function layOutGrid() {
  step = ZOOMS[zoomLevel()];
  const narrow = document.documentElement.clientWidth < 700;
  down = layOut(shown.rows, (row) => groupOf(CALLERS[row]), step, BAND);
  across = layOut(shown.columns, (column) => DATA.zones[DESTINATIONS[column].zone].name, step, GAP);
  const label = Math.max(9.5, Math.min(14, step * 0.58));
  const longest = (/** @type {string[]} */ names, /** @type {number} */ least, /** @type {number} */ most) =>
    Math.min(most, Math.max(least, ...names.map((name) => name.length * label * 0.56 + 26)));
  nameWidth = longest(shown.rows.map((row) => CALLERS[row].name), 90, narrow ? 130 : 260);
  headHeight = longest(shown.columns.map((column) => DESTINATIONS[column].name), 50, 170) + 24;
  lines.forEach((line) => line.remove());
  heads.forEach((head) => head.remove());
  lines.clear();
  heads.clear();
  parts.extent.querySelectorAll(".band, .zone, .nothing").forEach((one) => one.remove());
  const style = parts.matrix.style;
  style.setProperty("--label", `${label}px`);
  style.setProperty("--glyph", `${Math.max(9.5, step * 0.5)}px`);
  const nothing = !shown.rows.length;
  const width = nothing ? 0 : nameWidth + across.size + 8;
  const height = nothing ? 0 : headHeight + down.size + 8;
  parts.extent.style.width = nothing ? "" : `${width}px`;
  parts.extent.style.height = nothing ? "" : `${height}px`;
  // As large as what is in it, up to what a window holds.
  place(parts.matrix, { width: nothing ? 480 : width + 18, height: nothing ? 80 : height + 18 });
  parts.matrix.classList.toggle("whole", height <= 1000);
  parts.heads.style.height = `${headHeight}px`;
  parts.heads.hidden = nothing;
  parts.corner.style.width = `${nameWidth}px`;
  parts.matrix.setAttribute("aria-rowcount", String(shown.rows.length + 1));
  parts.matrix.setAttribute("aria-colcount", String(shown.columns.length + 1));
  if (nothing) parts.extent.append(el("p", { class: "nothing" }, "Nothing is like this. Clear the filters to see everything."));
  for (const group of nothing ? [] : across.groups) {
    const zone = el("div", { class: "zone", title: group.label, "aria-hidden": "true" }, group.label);
    place(zone, { left: nameWidth + group.start + GAP, width: group.end - group.start - GAP });
    parts.heads.append(zone);
  }
  for (const group of nothing ? [] : down.groups) {
    const band = el("div", { class: "band", role: "presentation" }, el("span", {}, group.label));
    place(band, { top: headHeight + group.start, height: BAND });
    parts.extent.append(band);
  }
  if (!down.placeOf.has(state.active.row)) state.active.row = shown.rows.length ? down.indexes[0] : -1;
  if (!across.placeOf.has(state.active.column)) state.active.column = shown.columns.length ? across.indexes[0] : -1;
  drawMap();
  showSight();
  read(state.active.row, state.active.column);
}

/** @param {HTMLElement} element @param {Record<string, number>} box in pixels */
function place(element, box) {
  for (const [name, value] of Object.entries(box)) element.style.setProperty(name, `${value}px`);
}

/** Makes what has come into sight, and drops what has left it. */
function showSight() {
  const { scrollLeft, scrollTop, clientWidth, clientHeight } = parts.matrix;
  const margin = OVERSCAN * step;
  const rows = sight(down, scrollTop - margin, scrollTop + clientHeight - headHeight + margin, state.active.row);
  const columns = sight(across, scrollLeft - margin, scrollLeft + clientWidth - nameWidth + margin, state.active.column);
  keep(heads, columns, makeHead, parts.heads);
  keep(lines, rows, makeLine, parts.extent);
  for (const [number, line] of lines) fill(line, down.indexes[number], columns);
  frameMap();
}

/** @param {Axis} axis @param {number} from @param {number} to @param {number} always @returns {Set<number>} places in sight */
function sight(axis, from, to, always) {
  const found = new Set();
  for (let number = firstAt(axis, from, step); number < axis.starts.length && axis.starts[number] < to; number += 1) found.add(number);
  // The cell with the focus must not vanish from under it.
  const active = axis.placeOf.get(always);
  if (active !== undefined) found.add(active);
  return found;
}

/**
 * @param {Map<number, HTMLElement>} there @param {Set<number>} wanted
 * @param {(place: number) => HTMLElement} make @param {HTMLElement} parent
 */
function keep(there, wanted, make, parent) {
  for (const [number, element] of there) {
    if (wanted.has(number)) continue;
    element.remove();
    there.delete(number);
  }
  for (const number of wanted) {
    if (there.has(number)) continue;
    const made = make(number);
    there.set(number, made);
    parent.append(made);
  }
}

/** @param {number} number place of a column */
function makeHead(number) {
  const column = across.indexes[number];
  const { name } = DESTINATIONS[column];
  const made = el("div", { class: "head", role: "columnheader", "aria-colindex": number + 2, title: name }, name);
  place(made, { left: nameWidth + across.starts[number], width: step, height: headHeight - 24 });
  made.classList.toggle("here", column === state.active.column);
  return made;
}

/** @param {number} number place of a row */
function makeLine(number) {
  const row = down.indexes[number];
  const { name } = CALLERS[row];
  const header = el("div", { class: "name", role: "rowheader", "aria-colindex": "1", title: name }, el("span", {}, name));
  place(header, { width: nameWidth });
  header.classList.toggle("here", row === state.active.row);
  const made = el("div", { class: "line", role: "row", "aria-rowindex": number + 2 }, header);
  place(made, { top: headHeight + down.starts[number], height: step });
  return made;
}

/** @param {HTMLElement} line @param {number} row @param {Set<number>} columns places in sight */
function fill(line, row, columns) {
  const there = new Set();
  for (const cell of [.../** @type {HTMLCollectionOf<HTMLElement>} */ (line.children)].slice(1)) {
    const number = Number(cell.dataset.place);
    if (columns.has(number)) there.add(number);
    else cell.remove();
  }
  const fresh = document.createDocumentFragment();
  for (const number of columns) if (!there.has(number)) fresh.append(makeCell(row, number));
  line.append(fresh);
}

/** @param {number} row @param {number} number place of a column */
function makeCell(row, number) {
  const column = across.indexes[number];
  const entry = entryAt(row, column);
  const active = row === state.active.row && column === state.active.column;
  const made = document.createElement("div");
  made.className = `cell s-${ENTRY_KEYS[entry]}${meant[row * DESTINATIONS.length + column] ? "" : " dim"}`;
  made.textContent = ENTRIES[entry].sign;
  made.dataset.row = String(row);
  made.dataset.column = String(column);
  made.dataset.place = String(number);
  made.setAttribute("role", "gridcell");
  made.setAttribute("aria-colindex", String(number + 2));
  made.setAttribute("aria-label", sentence(row, column));
  made.setAttribute("aria-selected", String(active && state.opened));
  made.tabIndex = active ? 0 : -1;
  place(made, { left: nameWidth + across.starts[number], width: step - 1, height: step - 1 });
  return made;
}

/** @param {number} row @param {number} column */
function sentence(row, column) {
  const entry = ENTRIES[entryAt(row, column)];
  const worse = entry.faults.slice(1).map((fault) => KEYS.find((one) => one.key === fault)?.words.toLowerCase());
  return `${CALLERS[row].name} to ${DESTINATIONS[column].name}: ${[entry.words, ...worse].join("; ")}`;
}

/** Says below the tools what a cell means. @param {number} row @param {number} column */
function read(row, column) {
  if (row < 0 || column < 0) return parts.reading.replaceChildren();
  const entry = entryAt(row, column);
  const mark = el("span", { class: `sign s-${ENTRY_KEYS[entry]}` }, ENTRIES[entry].sign);
  const words = `${CALLERS[row].name} → ${DESTINATIONS[column].name}: ${sentence(row, column).split(": ").slice(1).join(": ")}`;
  return parts.reading.replaceChildren(mark, el("span", {}, words));
}

/**
 * Goes to a cell. @param {number} row @param {number} column
 * @param {{open?: boolean, focus?: boolean, enter?: boolean}} how `enter`: on into the details
 */
function choose(row, column, { open = state.opened, focus = true, enter = false } = {}) {
  state.active = { row, column };
  state.opened = open;
  bringIntoSight(row, column);
  for (const line of lines.values()) line.querySelectorAll("[tabindex='0'], [aria-selected='true']").forEach(deselect);
  heads.forEach((head, number) => head.classList.toggle("here", across.indexes[number] === column));
  lines.forEach((line, number) => line.firstElementChild?.classList.toggle("here", down.indexes[number] === row));
  const cell = cellElement(row, column);
  if (cell) {
    cell.tabIndex = 0;
    cell.setAttribute("aria-selected", String(open));
    if (focus) cell.focus({ preventScroll: true });
  }
  read(row, column);
  showDetail(enter);
  writeAddress();
}

/** @param {Element} cell */
function deselect(cell) {
  cell.setAttribute("tabindex", "-1");
  cell.setAttribute("aria-selected", "false");
}

/** @param {number} row @param {number} column @returns {HTMLElement | null} */
function cellElement(row, column) {
  return parts.matrix.querySelector(`.cell[data-row="${row}"][data-column="${column}"]`);
}

/** @param {number} row @param {number} column */
function bringIntoSight(row, column) {
  const top = down.starts[down.placeOf.get(row) ?? 0];
  const left = across.starts[across.placeOf.get(column) ?? 0];
  const { matrix } = parts;
  const high = matrix.clientHeight - headHeight;
  const wide = matrix.clientWidth - nameWidth;
  if (top - BAND < matrix.scrollTop) matrix.scrollTop = top - BAND;
  if (top + step * 2 > matrix.scrollTop + high) matrix.scrollTop = top + step * 2 - high;
  if (left - step < matrix.scrollLeft) matrix.scrollLeft = left - step;
  if (left + step * 2 > matrix.scrollLeft + wide) matrix.scrollLeft = left + step * 2 - wide;
  showSight();
}

// --- the map: all of a large matrix in little, a pixel or more for a cell

const MAP_SIZE = 220;
const NOT_MEANT = 255;

/** Draws it, where not everything is in sight at once. */
function drawMap() {
  const large = shown.rows.length * shown.columns.length > 6000;
  parts.map.replaceChildren();
  byId("stage").classList.toggle("large", large);
  if (!large) return;
  const probe = el("span", { hidden: true });
  document.body.append(probe);
  const colours = KEYS.map((one) => {
    probe.className = `s-${one.key}`;
    probe.style.color = "var(--fill)";
    return (getComputedStyle(probe).color.match(/\d+/g) || []).slice(0, 3).map(Number);
  });
  probe.remove();
  const ranks = ENTRY_KEYS.map((key) => KEYS.findIndex((one) => one.key === key));
  // A pixel for each cell, or for several; room between groups is room here too, so that the frame lies where it should.
  const fine = Math.min(1, (MAP_SIZE * step) / Math.max(across.size, down.size)) / step;
  const size = { width: Math.ceil(across.size * fine), height: Math.ceil(down.size * fine) };
  const canvas = /** @type {HTMLCanvasElement} */ (el("canvas", size));
  // Where cells share a pixel, it shows what stands first in the legend: a fault is never lost.
  const worst = new Uint8Array(canvas.width * canvas.height).fill(NOT_MEANT);
  down.indexes.forEach((row, y) => {
    across.indexes.forEach((column, x) => {
      const pixel = Math.floor(down.starts[y] * fine) * canvas.width + Math.floor(across.starts[x] * fine);
      if (meant[row * DESTINATIONS.length + column]) worst[pixel] = Math.min(worst[pixel], ranks[entryAt(row, column)]);
    });
  });
  const image = new ImageData(canvas.width, canvas.height);
  worst.forEach((rank, pixel) => image.data.set(rank === NOT_MEANT ? [128, 128, 128, 40] : [...colours[rank], 255], pixel * 4));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  const scale = MAP_SIZE / Math.max(canvas.width, canvas.height);
  place(canvas, { width: Math.max(24, canvas.width * scale), height: Math.max(24, canvas.height * scale) });
  const box = el("div", { onclick: jump }, canvas, el("span", { class: "frame" }));
  parts.map.append(box, el("p", {}, "All of it in little. The frame is what you see; choose a place to go there."));
}

/** @param {MouseEvent} event */
function jump(event) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width;
  const y = (event.clientY - box.top) / box.height;
  const { matrix } = parts;
  matrix.scrollTo(across.size * x - (matrix.clientWidth - nameWidth) / 2, down.size * y - (matrix.clientHeight - headHeight) / 2);
}

function frameMap() {
  const frame = /** @type {HTMLElement | null} */ (parts.map.querySelector(".frame"));
  const canvas = parts.map.querySelector("canvas");
  if (!frame || !canvas) return;
  const { matrix } = parts;
  const wide = canvas.clientWidth / across.size;
  const high = canvas.clientHeight / down.size;
  place(frame, {
    left: matrix.scrollLeft * wide,
    top: matrix.scrollTop * high,
    width: Math.min(canvas.clientWidth, (matrix.clientWidth - nameWidth) * wide),
    height: Math.min(canvas.clientHeight, (matrix.clientHeight - headHeight) * high),
  });
}
