// What the page knows: made by data.py, everything once and by number.

/**
 * @typedef {[string, string][]} Facts names and texts
 * @typedef {{name: string, kind: "tasks" | "people" | "other" | "outside", environment: string, facts: Facts}} Caller
 * @typedef {{name: string, zone: number, facts: Facts}} Destination
 * @typedef {{name: string, from: number[], to: number[], facts: Facts}} Route
 * @typedef {{key: string, sign: string, words: string, faults: string[], samples: number[]}} Entry
 * @typedef {{aspect: number, outcome: string, refusals: string[], host: string, protocol: string, port: number, moment: number,
 *   operation: string, running: string[], path: number, routes: number[]}} Sample
 * @typedef {{gate: string, filter: string, outcome: string, says: string, detail: string, resource: string, urn: string,
 *   trace: string[], kind: string}} Row
 * @typedef {{task: string, source: string, timezone: string}} Speaker
 */

const DATA = JSON.parse(byId("data").textContent || "{}");

/** @param {number} number */
const text = (number) => /** @type {string} */ (DATA.texts[number]);

/** @type {Caller[]} */
const CALLERS = DATA.callers;
/** @type {Destination[]} */
const DESTINATIONS = DATA.destinations;
/** @type {Entry[]} */
const ENTRIES = DATA.entries.map((/** @type {[number, number, number, string[], number[]]} */ [key, sign, words, faults, samples]) => ({
  key: text(key),
  sign: text(sign),
  words: text(words),
  faults,
  samples,
}));
/** @type {Route[]} */
const ROUTES = DATA.routes;

const FAULTS = ["excess", "blocked", "unproven"];

/** The standings as the legend has them: what is refused is split by how many gates do.
 * @type {{key: string, sign: string, words: string}[]} */
const KEYS = DATA.legend;

const ENTRY_KEYS = ENTRIES.map((entry) => entry.key);

/** @param {number} row @param {number} column @returns {number} number of the entry of a cell */
function entryAt(row, column) {
  const found = DATA.columns[column];
  return found.entries[found.cells[row]];
}

/** @param {number} number @returns {Sample} */
function sampleOf(number) {
  const [aspect, outcome, refusals, host, protocol, port, moment, operation, running, path, routes] = DATA.samples[number];
  return {
    aspect,
    outcome,
    refusals: refusals.map(text),
    host: text(host),
    protocol: text(protocol),
    port,
    moment,
    operation: text(operation),
    running: running.map(text),
    path,
    routes,
  };
}

/** @param {number} path @returns {Row[]} */
function rowsOf(path) {
  return DATA.paths[path].map((/** @type {number} */ number) => {
    const [gate, filter, outcome, says, detail, resource, urn, trace, kind] = DATA.rows[number];
    return {
      gate: text(gate),
      filter: text(filter),
      outcome,
      says: text(says),
      detail: text(detail),
      resource: text(resource),
      urn: text(urn),
      trace: trace.map(text),
      kind,
    };
  });
}

/** @param {number} row @param {number} column @param {number} aspect @returns {Speaker} who stands for the caller in a sample */
function speakerAt(row, column, aspect) {
  const found = DATA.unusual[`${row},${column}`];
  const [task, source, timezone] = DATA.speakers[found ? found[aspect] : DATA.usual[row]];
  return { task: text(task), source: text(source), timezone };
}

/** @param {Sample} sample */
function address(sample) {
  const host = sample.host.split(":").length > 2 ? `[${sample.host}]` : sample.host;
  return `${host}:${sample.port}/${sample.protocol}`;
}

/** Which gates refuse what a cell shows, by the number of its entry. */
const REFUSING = ENTRIES.map((entry) => new Set(entry.samples.flatMap((number) => DATA.samples[number][2].map(text))));

const GATES = [...new Set(DATA.rows.map((/** @type {any[]} */ row) => text(row[0])))];

/** @param {Caller} caller the group of rows that it stands in */
function groupOf(caller) {
  if (caller.kind === "people") return "People";
  if (caller.kind === "outside") return "Outside Airflow";
  return caller.environment ? `Environment ${caller.environment}` : "Any environment";
}

const GROUPS = [...new Set(CALLERS.map(groupOf))];
