// What the reader chose: filters, the measure of figures, the sorting of tables. It is kept in the address behind "#",
// so a copied address shows the same. `at` is the section that was jumped to.
const state = { filters: new Map(), measure: "", sorts: new Map(), at: "" };
const listeners = [];
const changed = (what) => { writeAddress(); listeners.forEach((listen) => listen(what)); };

function writeAddress() {
  const parts = new URLSearchParams();
  for (const [name, chosen] of state.filters) for (const value of chosen) parts.append(name, value);
  if (state.measure) parts.set("measure", state.measure);
  for (const [table, [column, direction]] of state.sorts) parts.append("sort", `${direction}${column}:${table}`);
  const chosen = parts.toString();
  if (chosen && state.at) parts.set("at", state.at);
  const hash = chosen ? parts.toString() : state.at;
  if (location.hash.slice(1) === hash) return;
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function readAddress() {
  const hash = location.hash.slice(1);
  if (hash && !hash.includes("=")) {
    state.at = hash;
    return false;
  }
  const parts = new URLSearchParams(hash);
  state.filters.clear();
  for (const [name, known] of Object.entries(raw.dimensions)) {
    const chosen = parts.getAll(name).filter((value) => known.includes(value));
    if (chosen.length) state.filters.set(name, new Set(chosen));
  }
  state.measure = parts.get("measure") ?? "";
  state.sorts.clear();
  for (const text of parts.getAll("sort")) {
    const sort = /^([+-])(\d+):([^]+)$/.exec(text);
    if (sort) state.sorts.set(sort[3], [Number(sort[2]), sort[1]]);
  }
  state.at = parts.get("at") ?? "";
  return true;
}

const chosen = (name) => state.filters.get(name);
const allows = (name, value) => !chosen(name)?.size || chosen(name).has(value);
const ofRuns = ["size", "backbone", "strategy", "alpha", "seed"];
const isKept = (run) => ofRuns.every((name) => allows(name, run[name]));
const keptRuns = (sweep) => sweep.runs.filter(isKept);
const filtersRuns = () => ofRuns.some((name) => chosen(name)?.size);
