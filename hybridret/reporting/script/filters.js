// The bar of filters, which acts on all tables and figures at once.
const bar = document.getElementById("filters");
const count = element("p", { role: "status", class: "count" });

function choice(name, value) {
  const box = element("input", { type: "checkbox", value });
  box.checked = chosen(name)?.has(value) ?? false;
  box.addEventListener("change", () => {
    if (!state.filters.has(name)) state.filters.set(name, new Set());
    if (box.checked) chosen(name).add(value);
    else chosen(name).delete(value);
    if (!chosen(name).size) state.filters.delete(name);
    changed("filters");
  });
  return element("label", {}, box, ` ${value}`);
}

function addFilters() {
  for (const [name, values] of Object.entries(raw.dimensions)) {
    if (values.length < 2) continue;
    const title = raw.titles[name];
    const list = element("fieldset", {}, element("legend", {}, `${title}: none chosen shows all`));
    list.append(...values.map((value) => choice(name, value)));
    const head = element("summary", {}, title);
    bar.append(element("details", { "data-filter": name, class: "filter" }, head, list));
  }
  if (raw.measures.length > 1) {
    const pick = element("select", { id: "measure" });
    for (const [name, title] of raw.measures) pick.append(element("option", { value: name }, title));
    pick.addEventListener("change", () => {
      state.measure = pick.value === raw.measures[0][0] ? "" : pick.value;
      changed("measure");
    });
    bar.append(element("label", { class: "measure" }, "Measure of figures ", pick));
  }
  const clear = element("button", { type: "button", id: "clear" }, "Show all");
  clear.addEventListener("click", () => {
    state.filters.clear();
    changed("filters");
  });
  bar.append(clear, count);
  bar.hidden = false;
  // An open list closes on Escape, and when another one opens.
  bar.addEventListener("toggle", (event) => {
    if (event.target.open) for (const other of bar.querySelectorAll("details[open]")) other.open = other === event.target;
  }, true);
  bar.addEventListener("keydown", (event) => {
    const open = event.target.closest("details[open]");
    if (event.key !== "Escape" || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    for (const open of bar.querySelectorAll("details[open]")) if (!open.contains(event.target)) open.open = false;
  });
}

function showFilters() {
  for (const box of bar.querySelectorAll("details")) {
    const own = chosen(box.dataset.filter);
    box.querySelector("summary").textContent = raw.titles[box.dataset.filter] + (own?.size ? ` (${own.size})` : "");
    box.classList.toggle("active", Boolean(own?.size));
    for (const input of box.querySelectorAll("input")) input.checked = own?.has(input.value) ?? false;
  }
  const pick = document.getElementById("measure");
  if (pick) pick.value = state.measure || raw.measures[0][0];
  const all = sweeps.reduce((total, sweep) => total + sweep.runs.length, 0);
  const kept = sweeps.reduce((total, sweep) => total + keptRuns(sweep).length, 0);
  count.textContent = `${kept} of ${all} runs`;
  document.getElementById("clear").disabled = !state.filters.size;
  for (const part of document.querySelectorAll("section[data-dataset], .of-dataset, nav a[data-dataset]")) {
    part.hidden = !allows("dataset", part.dataset.dataset);
  }
}
