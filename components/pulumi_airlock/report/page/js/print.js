// On paper: everything is opened, and the matrix comes in blocks that fit a page.

const PAGE = { columns: 28, rows: 44 };
const MOST_PRINTED = 40000;

/** @type {HTMLDetailsElement[]} those that were closed before */
let folded = [];

function beforePrint() {
  folded = [...document.querySelectorAll("details")].filter((one) => !one.open);
  folded.forEach((one) => (one.open = true));
  const sheet = byId("printed");
  const size = shown.rows.length * shown.columns.length;
  if (size > MOST_PRINTED) {
    const words = `The matrix of ${shown.rows.length} × ${shown.columns.length} is left out on paper. Filter it on the page first: what is shown is printed.`;
    sheet.replaceChildren(el("p", {}, words));
    return;
  }
  /** @type {HTMLElement[]} */
  const blocks = [];
  for (let y = 0; y < down.indexes.length; y += PAGE.rows) {
    for (let x = 0; x < across.indexes.length; x += PAGE.columns) {
      blocks.push(makeBlock(down.indexes.slice(y, y + PAGE.rows), across.indexes.slice(x, x + PAGE.columns), blocks.length + 1));
    }
  }
  sheet.replaceChildren(...blocks);
}

/** @param {number[]} rows @param {number[]} columns @param {number} number */
function makeBlock(rows, columns, number) {
  const several = shown.rows.length > PAGE.rows || shown.columns.length > PAGE.columns;
  const keys = new Set(rows.flatMap((row) => columns.map((column) => ENTRY_KEYS[entryAt(row, column)])));
  const legend = KEYS.filter((one) => keys.has(one.key)).map((one) =>
    el("li", {}, el("span", { class: `sign s-${one.key}` }, one.sign), one.words),
  );
  const heads = columns.map((column) => el("th", { scope: "col" }, el("span", {}, DESTINATIONS[column].name)));
  const body = rows.map((row) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, CALLERS[row].name),
      ...columns.map((column) => {
        const entry = entryAt(row, column);
        return el("td", { class: `s-${ENTRY_KEYS[entry]}` }, ENTRIES[entry].sign);
      }),
    ),
  );
  return el(
    "div",
    { class: "block" },
    el("h2", {}, `Who reaches what${several ? `, part ${number}` : ""}${isFiltered() ? " (filtered)" : ""}`),
    el("ul", { class: "key" }, ...legend),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", {}), ...heads)), el("tbody", {}, ...body)),
  );
}

function afterPrint() {
  folded.forEach((one) => (one.open = false));
  folded = [];
  byId("printed").replaceChildren();
}
