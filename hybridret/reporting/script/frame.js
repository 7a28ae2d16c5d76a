// The frame of every chart: its panels with downloads, a legend, the tooltip of marks, drawing when it comes into view.
const tip = element("div", { id: "tip", hidden: "" });
document.body.append(tip);

function moveTip(x, y) {
  const box = tip.getBoundingClientRect();
  const top = y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16;
  tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  moveTip(x, y);
}
const hideTip = () => { tip.hidden = true; };
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

// Marks of the class `named` get a text: named for screen readers, shown on hover and focus. One of them is reached with Tab,
// the others with the arrow keys, so that five hundred runs are not five hundred stops.
function nameMarks(svg, texts) {
  const marks = [...svg.querySelectorAll("g.named > *")];
  svg.querySelectorAll("g[aria-label]").forEach((group) => group.removeAttribute("aria-label"));
  marks.forEach((mark, order) => {
    const at = mark.__data__;
    const text = texts[Array.isArray(at) ? at[0] : at];
    mark.classList.add("mark");
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", text);
    mark.setAttribute("tabindex", order ? "-1" : "0");
    mark.addEventListener("pointerenter", (event) => showTip(text, event.clientX, event.clientY));
    mark.addEventListener("pointermove", (event) => moveTip(event.clientX, event.clientY));
    mark.addEventListener("pointerleave", hideTip);
    mark.addEventListener("blur", hideTip);
    mark.addEventListener("focus", () => {
      const box = mark.getBoundingClientRect();
      showTip(text, box.right, box.bottom);
    });
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const next = event.key === "Home" ? marks[0] : event.key === "End" ? marks.at(-1) : step && marks[order + step];
      if (!next) return;
      event.preventDefault();
      mark.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}

const symbols = { o: "circle", s: "square", "^": "triangle", D: "diamond", v: "wye", P: "cross", X: "star" };
const dashes = { "-": null, "--": "6 4", ":": "2 3", "-.": "7 3 2 3" };
const lookOf = (sweep, configuration) => {
  const [colour, mark, dash] = sweep.looks.get(configuration) ?? ["#5f6770", "o", "-"];
  return { colour, symbol: symbols[mark] ?? "circle", dash: dashes[dash] ?? null };
};
const d3Symbols = {
  circle: d3.symbolCircle, square: d3.symbolSquare, triangle: d3.symbolTriangle, diamond: d3.symbolDiamond,
  wye: d3.symbolWye, cross: d3.symbolCross, star: d3.symbolStar,
};

// A list of names with their marks; `entries` are {name, colour, symbol}.
const LEGEND = 24;
function legend(entries) {
  const list = element("ul", { class: "legend" });
  for (const { name, colour, symbol } of entries.slice(0, LEGEND)) {
    const item = element("li");
    const svg = d3.select(item).append("svg").attr("viewBox", "-9 -9 18 18").attr("aria-hidden", "true");
    svg.append("path").attr("d", d3.symbol(d3Symbols[symbol], 90)()).attr("fill", colour);
    item.append(name);
    list.append(item);
  }
  if (entries.length > LEGEND) list.append(element("li", {}, `and ${entries.length - LEGEND} more`));
  return list;
}

// A chart function gives panels {name, label, height, marks, options, texts, rows} and the entries of a legend.
const charts = {};
const frames = [...document.querySelectorAll(".chart[data-chart]")].map((node) => ({ node, stale: true, near: false }));

function drawFrame(frame) {
  const { node } = frame;
  frame.stale = false;
  const sweep = sweeps[sweepOf(node)];
  const made = charts[node.dataset.chart](sweep, node.dataset.dataset);
  const tiles = element("div", { class: "tiles" });
  node.replaceChildren(tiles);
  if (!made.panels.length) tiles.append(element("p", { class: "lead" }, "The filters leave no run to draw."));
  if (made.panels.length === 1) tiles.classList.add("one");
  for (const panel of made.panels) tiles.append(drawPanel(node, sweep, panel, tiles));
  if (made.panels.length && made.legend?.length) node.append(legend(made.legend));
}

function drawPanel(node, sweep, panel, tiles) {
  const box = element("figure");
  if (panel.title) box.append(element("figcaption", { class: "panel" }, panel.title));
  tiles.append(box);
  const width = Math.max(280, Math.min(box.clientWidth || 640, panel.width ?? 640));
  const svg = Plot.plot({
    width, height: panel.height ?? Math.round(Math.min(420, 0.68 * width)), marginLeft: 52, marginBottom: 40,
    style: { background: "transparent", overflow: "visible", fontSize: "12px" }, ...panel.options, marks: panel.marks,
  });
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", panel.label);
  svg.classList.add("drawn");
  nameMarks(svg, panel.texts);
  box.append(svg);
  const name = fileName(`${node.dataset.name}${panel.name ? `_${panel.name}` : ""}${sweep.number ? `_${sweep.name}` : ""}`);
  box.append(figureDownloads(name, panel.label, () => svg, () => panel.rows));
  return box;
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const frame = frames.find((one) => one.node === entry.target);
    frame.near = entry.isIntersecting;
    if (frame.near && frame.stale) drawFrame(frame);
  }
}, { rootMargin: "300px" });

function updateFrames() {
  for (const frame of frames) {
    frame.stale = true;
    if (frame.near) drawFrame(frame);
  }
}
// A figure that is drawn later would push down what a link leads to, so those above it are drawn first.
function drawAbove(target) {
  for (const frame of frames) {
    const above = frame.node.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (above && frame.stale) drawFrame(frame);
  }
}
addEventListener("beforeprint", () => frames.filter((frame) => frame.stale).forEach(drawFrame));
let lastWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  updateFrames();
});
