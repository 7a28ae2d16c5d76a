// Tables: a button in each header sorts, filters hide rows and columns, and averages are computed anew from the runs
// that are left. Without a filter the cells are those that Python wrote.
const tables = [...document.querySelectorAll("table[data-table]")].map((node) => {
  const head = [...node.tHead.rows].at(-1);
  const rows = [...node.tBodies[0].rows];
  const number = sweepOf(node);
  const key = node.dataset.table + (number ? `@${number}` : "");
  return { node, key, head: [...head.cells], rows, sweep: sweeps[number], changed: new Map() };
});

const cellText = (cell) => cell.dataset.v ?? cell.textContent.trim();
const titleOf = (cell) => cell.dataset.title ?? cell.textContent.trim();

function sortValue(cell) {
  if (cell.classList.contains("none")) return null;
  const text = cellText(cell);
  if (!text) return null;
  const number = Number(text.replace(/,(?=\d{3})/g, ""));
  return Number.isNaN(number) ? text : number;
}

// Numbers before texts, missing values last in both directions.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}

function sortTable(table) {
  const [column, direction] = state.sorts.get(table.key) ?? [-1, "+"];
  let rows = table.rows;
  if (column >= 0 && column < table.head.length) {
    const sign = direction === "-" ? -1 : 1;
    const keyed = rows.map((row) => [sortValue(row.cells[column]), row]);
    rows = keyed.sort((a, b) => compare(a[0], b[0], sign)).map((pair) => pair[1]);
  } else if (!table.sorted) return;
  table.sorted = column >= 0;
  table.node.tBodies[0].append(...rows);
  table.head.forEach((cell, i) => {
    if (i === column) cell.setAttribute("aria-sort", direction === "-" ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function addSortButtons(table) {
  table.head.forEach((cell, i) => {
    cell.dataset.title = cell.textContent.trim();
    const button = element("button", { type: "button", class: "sort" }, cell.dataset.title || "row");
    button.addEventListener("click", () => {
      const [column, direction] = state.sorts.get(table.key) ?? [-1, ""];
      if (column !== i) state.sorts.set(table.key, [i, "+"]);
      else if (direction === "+") state.sorts.set(table.key, [i, "-"]);
      else state.sorts.delete(table.key);
      sortTable(table);
      writeAddress();
    });
    cell.replaceChildren(button);
  });
}

// Titles of columns whose values the filters know.
const facets = {
  strategy: "strategy", alpha: "alpha", backbone: "backbone", size: "size", seed: "seed", dataset: "dataset",
  "test set": "dataset", language: "language", query: "language", "query language": "language",
};

function facetChecks(table) {
  const checks = [];
  const { sweep } = table;
  if (!sweep) return checks;
  table.head.forEach((cell, i) => {
    const title = titleOf(cell);
    if (title === "run" || title === "configuration") {
      const by = new Map();
      for (const run of sweep.runs) by.set(run[title], (by.get(run[title]) ?? []).concat(run));
      checks.push((row) => {
        const runs = by.get(cellText(row.cells[i]));
        return !runs || runs.some(isKept);
      });
    } else if (title in facets) {
      const name = facets[title];
      const known = new Set(raw.dimensions[name] ?? []);
      checks.push((row) => {
        const text = cellText(row.cells[i]);
        return !known.has(text) || allows(name, text);
      });
    }
  });
  return checks;
}

function filterTable(table) {
  table.checks ??= facetChecks(table);
  let left = 0;
  for (const row of table.rows) {
    row.hidden = !table.checks.every((check) => check(row));
    left += row.hidden ? 0 : 1;
  }
  const { configuration } = table.node.dataset;
  const gone = configuration && !keptRuns(table.sweep).some((run) => run.configuration === configuration);
  const box = table.node.closest(".holder") ?? table.node;
  box.hidden = Boolean(gone) || (table.rows.length > 0 && !left);
}

function filterColumns(table) {
  const known = raw.dimensions.language ?? [];
  const own = table.head.map((cell) => known.includes(titleOf(cell)));
  if (own.filter(Boolean).length < 2) return;
  const shown = table.head.map((cell, i) => !own[i] || allows("language", titleOf(cell)));
  for (const row of [...table.rows, table.head[0].parentNode]) {
    [...row.cells].forEach((cell, i) => { cell.hidden = !shown[i]; });
  }
  const first = table.node.tHead.rows[0];
  if (first === table.head[0].parentNode) return;
  let start = 0;
  for (const cell of first.cells) {
    const width = Number(cell.dataset.width ?? cell.colSpan);
    cell.dataset.width = width;
    const left = shown.slice(start, start + width).filter(Boolean).length;
    cell.hidden = !left;
    cell.colSpan = left || 1;
    start += width;
  }
}

const shortSettings = { "Mo.": "monolingual", "Cr.": "cross-lingual", "Mul.": "multilingual" };

// Values of one cell, one for each run that is left of the configuration of its row.
function valuesOf(table, row, cell, source, runs) {
  const { dataset } = table.node.dataset;
  const [start, metric, cutoff, language] = source;
  const value = (run, setting, ...more) => valueOf(table.sweep, run, dataset, setting, metric, cutoff, ...more);
  if (start === "pairs") {
    const query = cellText(row.cells[0]);
    return runs.map((run) => value(run, query === language ? "monolingual" : "cross-lingual", query, language));
  }
  const setting = start === "row" ? shortSettings[cellText(row.cells[1])] : start;
  return runs.map((run) => value(run, setting, language));
}

function putValue(cell, found, form, heat) {
  cell.classList.toggle("none", !found);
  cell.replaceChildren(found ? show(form, found.mean) : "–");
  if (found) cell.dataset.v = String(Number(found.mean.toPrecision(9)));
  else delete cell.dataset.v;
  delete cell.dataset.s;
  if (heat) Object.assign(cell.style, found ? heatStyle(found.mean) : { background: "", color: "" });
  else if (found && !Number.isNaN(found.std)) {
    cell.dataset.s = String(Number(found.std.toPrecision(9)));
    cell.append(element("small", {}, `± ${show(form, found.std)}`));
  }
}

// As `heat_style` of the tables.
function heatStyle(value) {
  const heat = Math.min(Math.max(value, 0), 1);
  const low = [247, 251, 255], high = [8, 48, 107];
  const mixed = low.map((one, i) => Math.round(one + (high[i] - one) * heat));
  return { background: `rgb(${mixed})`, color: heat > 0.65 ? "#fff" : "#111" };
}

// As `with_positions`: the best and the second value of a column, equal ones as shown share one.
function markBest(table, i, better) {
  const cells = table.rows.filter((row) => !row.hidden).map((row) => row.cells[i]);
  const best = new Map();
  for (const cell of cells) {
    if (cell.classList.contains("none")) continue;
    const text = cell.firstChild.textContent;
    best.set(text, Math.max(best.get(text) ?? -Infinity, better * Number(cell.dataset.v ?? text)));
  }
  if (best.size < 2) return;
  const order = [...best.keys()].sort((a, b) => best.get(b) - best.get(a));
  for (const cell of cells) {
    const at = cell.classList.contains("none") ? -1 : order.indexOf(cell.firstChild.textContent);
    if (at === 0 || at === 1) {
      const text = cell.firstChild;
      const mark = element(at ? "u" : "strong");
      text.replaceWith(mark);
      mark.append(text);
    }
  }
}

function keepCell(table, cell) {
  if (table.changed.has(cell)) return;
  const { v, s } = cell.dataset;
  const none = cell.classList.contains("none");
  table.changed.set(cell, { nodes: [...cell.childNodes], v, s, none, style: cell.getAttribute("style") });
}

function restore(table) {
  for (const [cell, was] of table.changed) {
    cell.replaceChildren(...was.nodes);
    cell.classList.toggle("none", was.none);
    for (const name of ["v", "s"]) {
      if (was[name] === undefined) delete cell.dataset[name];
      else cell.dataset[name] = was[name];
    }
    if (was.style !== null) cell.setAttribute("style", was.style);
  }
  table.changed.clear();
}

function averageTable(table) {
  if (table.changed.size) restore(table);
  const sources = table.head.map((cell) => cell.dataset.source?.split("/"));
  const box = table.node.closest(".holder");
  if (!table.sweep || box?.hidden || !sources.some(Boolean) || !(filtersRuns() || chosen("language")?.size)) return;
  const by = new Map();
  for (const run of keptRuns(table.sweep)) by.set(run.configuration, (by.get(run.configuration) ?? []).concat(run));
  for (const row of table.rows) {
    if (row.hidden) continue;
    const runs = by.get(table.node.dataset.configuration ?? cellText(row.cells[0])) ?? [];
    sources.forEach((source, i) => {
      const cell = row.cells[i];
      if (!source || cell.hidden) return;
      keepCell(table, cell);
      if (source[0] === "seeds") {
        const here = runs.filter((run) => run.datasets.includes(table.node.dataset.dataset));
        cell.replaceChildren(String(here.length));
        return;
      }
      const form = table.head[i].dataset.form;
      const found = summary(valuesOf(table, row, cell, source, runs));
      // Tables by language show means alone.
      if (found && (source[0] === "row" || table.head.length > 1 && source[3] !== "macro")) found.std = NaN;
      putValue(cell, found, form, table.node.classList.contains("heat"));
    });
  }
  table.head.forEach((cell, i) => {
    if (sources[i] && cell.dataset.better && !cell.hidden) markBest(table, i, Number(cell.dataset.better));
  });
}

function updateTables() {
  for (const table of tables) {
    filterTable(table);
    filterColumns(table);
    averageTable(table);
    sortTable(table);
  }
}
