// One pair: how it stands, which routes declare it, and the path gate by gate.

const MARKS = { allow: "✓", deny: "✗", unknown: "?" };
const DOES = { allow: "lets through", deny: "refuses", unknown: "not known" };
/** Behind a gate that refuses. */
const WOULD = { allow: "would let through", deny: "would refuse", unknown: "not known" };

/** Shows the active cell's details, or takes them away. @param {boolean} enter whether the focus goes there */
function showDetail(enter) {
  const stage = byId("stage");
  const old = document.getElementById("detail");
  const was = stage.clientWidth;
  const { row, column } = state.active;
  if (!state.opened || row < 0 || column < 0) {
    old?.remove();
    stage.classList.remove("opened");
  } else {
    const made = makeDetail(row, column);
    if (old) {
      made.classList.add("again");
      old.replaceWith(made);
    } else byId("side").append(made);
    stage.classList.add("opened");
    if (enter) made.querySelector("h2")?.focus();
  }
  if (stage.clientWidth !== was || Boolean(old) !== state.opened) {
    if (row >= 0) bringIntoSight(row, column);
  }
}

/** @param {number} row @param {number} column */
function makeDetail(row, column) {
  const number = entryAt(row, column);
  const entry = ENTRIES[number];
  const caller = CALLERS[row];
  const destination = DESTINATIONS[column];
  const routes = ROUTES.filter((one) => one.from.includes(row) && one.to.includes(column));
  const title = el("h2", { id: "detail-title", tabindex: "-1" }, `${caller.name} → ${destination.name}`);
  const close = el("button", { type: "button", id: "close", "aria-label": "Close (Esc)", onclick: closeDetail }, "✕");
  const telling = entry.samples.map(sampleOf).sort((one, other) => urgency(one) - urgency(other));
  const samples = telling.map((one) => makeSample(row, column, one));
  return el(
    "aside",
    { id: "detail", class: "detail", role: "dialog", "aria-modal": "false", "aria-labelledby": "detail-title" },
    el("header", {}, title, close),
    ...[ENTRY_KEYS[number], ...entry.faults.slice(1)].map((key, place) => makeStanding(key, place ? "" : entry.sign, place ? "" : entry.words)),
    ...samples,
    el("h3", {}, routes.length ? "Declared by" : "Declared"),
    ...(routes.length
      ? routes.flatMap((one) => [el("p", { class: "route" }, `Route ${one.name}`), makeFacts(one.facts)])
      : [el("p", {}, "No route declares it.")]),
    el("h3", {}, caller.name),
    makeFacts(caller.facts),
    el("h3", {}, destination.name),
    makeFacts(destination.facts),
  );
}

/** @param {string} key @param {string} sign @param {string} words */
function makeStanding(key, sign, words) {
  const one = KEYS.find((each) => each.key === key);
  const said = words ? words.charAt(0).toUpperCase() + words.slice(1) : one?.words || "";
  return el("p", { class: "standing" }, el("span", { class: `sign s-${key}`, "aria-hidden": "true" }, sign || one?.sign), said);
}

/** @param {Facts} facts */
function makeFacts(facts) {
  return el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** @param {number} row @param {number} column @param {Sample} sample */
function makeSample(row, column, sample) {
  const caller = CALLERS[row];
  const speaker = speakerAt(row, column, sample.aspect);
  const when = DATA.moments[sample.moment].when[speaker.timezone];
  const running = sample.running.length ? ` while ${sample.running.join(", ")} runs` : "";
  const request = sample.operation ? `, ${sample.operation}` : "";
  const witness = `${speaker.task ? `${speaker.task} ` : ""}from ${speaker.source} to ${address(sample)}${request}, ${when}${running}`;
  return el(
    "section",
    { class: "sample" },
    el("h3", {}, headline(sample)),
    el("p", {}, el("b", {}, "For example "), witness),
    makePath(caller.name, DESTINATIONS[column].name, address(sample), rowsOf(sample.path)),
    makeCommand(caller, speaker, sample),
  );
}

/** What is wrong comes first, then what passes. @param {Sample} sample */
function urgency(sample) {
  const aspect = DATA.aspects[sample.aspect];
  if (aspect === "undeclared") return sample.outcome === "deny" ? 4 : 1;
  return { lost: 0, doubtful: 2, passes: 3, own: 5 }[/** @type {"lost"} */ (aspect)];
}

/** @param {Sample} sample */
function headline(sample) {
  const aspect = DATA.aspects[sample.aspect];
  const by = `by ${sample.refusals.join(" and ")}`;
  if (aspect === "passes") return "Declared, and let through";
  if (aspect === "lost") return `Declared, but refused ${by}`;
  if (aspect === "doubtful") return "Declared, but not known whether it is let through";
  if (aspect === "own") return "What the environment needs itself";
  if (sample.outcome === "allow") return "Let through, although no route declares it";
  if (sample.outcome === "unknown") return "Perhaps let through, although no route declares it";
  return `Not declared: refused ${by}`;
}

/** The command that says the same. @param {Caller} caller @param {Speaker} speaker @param {Sample} sample */
function makeCommand(caller, speaker, sample) {
  const who = { tasks: speaker.task, other: speaker.task, people: caller.name, outside: "outside" }[caller.kind];
  const where = sample.protocol === "tcp" ? address(sample).replace(/\/tcp$/, "") : address(sample);
  const command = `airlock explain ${quoted(who)} ${quoted(where)} ${DATA.source} --at ${DATA.moments[sample.moment].at}`;
  const code = el("code", {}, command);
  const button = el("button", { type: "button", class: "copy", onclick: () => copy(command, code, button) }, "Copy");
  return el("div", { class: "command" }, code, button);
}

/** @param {string} word as a shell takes it for one */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'"'"'`)}'`;
}

/** @param {string} command @param {HTMLElement} code @param {HTMLElement} button */
async function copy(command, code, button) {
  try {
    await navigator.clipboard.writeText(command);
  } catch {
    // Where the clipboard is not allowed: mark it, so that the keys for copying do.
    getSelection()?.selectAllChildren(code);
    button.textContent = document.execCommand("copy") ? "Copied" : "Marked";
    return;
  }
  button.textContent = "Copied";
}

/** @param {string} from @param {string} to @param {string} at @param {Row[]} rows */
function makePath(from, to, at, rows) {
  let reached = true;
  /** @type {{gate: string, outcome: keyof typeof MARKS}[]} */
  const stops = [];
  for (const row of rows) {
    const last = stops[stops.length - 1];
    const outcome = /** @type {keyof typeof MARKS} */ (row.outcome);
    if (last?.gate !== row.gate) stops.push({ gate: row.gate, outcome });
    else if (outcome === "deny" || (outcome === "unknown" && last.outcome === "allow")) last.outcome = outcome;
  }
  const chain = el("ol", { class: "chain", "aria-label": "The path, gate by gate" }, el("li", { class: "end" }, el("b", {}, from)));
  for (const { gate, outcome } of stops) {
    const mark = el("span", { class: "mark", "aria-hidden": "true" }, MARKS[outcome]);
    const names = [mark, el("b", {}, gate), el("small", {}, (reached ? DOES : WOULD)[outcome])];
    chain.append(el("li", { class: `stop ${outcome}${reached ? "" : " beyond"}` }, ...names));
    reached &&= outcome !== "deny";
  }
  chain.append(el("li", { class: `end${reached ? "" : " beyond"}` }, el("b", {}, to), el("small", {}, at)));
  if (!rows.length) return el("div", { class: "path" }, chain, el("p", {}, "No gate stands on the path."));
  return el("div", { class: "path" }, chain, el("ul", { class: "rows" }, ...rows.map(makeRow)));
}

/** @param {Row} row */
function makeRow(row) {
  const outcome = /** @type {keyof typeof MARKS} */ (row.outcome);
  return el(
    "li",
    { class: `row ${outcome}` },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[outcome]),
    el(
      "div",
      {},
      el("p", {}, el("b", {}, row.gate), ` ${row.filter}`),
      el("p", { class: "says" }, row.says),
      row.detail ? el("p", {}, row.detail) : null,
      ...row.trace.map((one) => el("p", { class: "quiet" }, one)),
      row.urn ? el("p", { class: "quiet urn", title: row.urn }, row.resource || row.urn) : null,
    ),
  );
}

function closeDetail() {
  if (!state.opened) return;
  choose(state.active.row, state.active.column, { open: false });
}
