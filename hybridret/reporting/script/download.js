// Files from the page: CSV of a table or figure, SVG and PNG of a figure.
function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A text that a spreadsheet would compute as a formula gets an apostrophe, as in the written tables.
function csvCell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  let text = String(value ?? "");
  const isNumber = text.trim() !== "" && !Number.isNaN(Number(text));
  if (text.length > 1 && /^\s*[=+\-@]/.test(text) && !isNumber) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
const csv = (rows) => rows.map((row) => row.map(csvCell).join(",")).join("\n") + "\n";

function tableCsv(table) {
  const rows = [...table.node.tBodies[0].rows].filter((row) => !row.hidden);
  const spread = table.head.map((_, i) => rows.some((row) => row.cells[i].dataset.s));
  const head = table.head.flatMap((cell, i) => {
    const name = `${cell.dataset.group ?? ""} ${titleOf(cell)}`.trim();
    return cell.hidden ? [] : spread[i] ? [name, `${name} std`] : [name];
  });
  const cells = rows.map((row) => [...row.cells].flatMap((cell, i) => {
    const text = cell.classList.contains("none") ? "" : cellText(cell);
    return cell.hidden ? [] : spread[i] ? [text, cell.dataset.s ?? ""] : [text];
  }));
  return csv([head, ...cells]);
}

const fileName = (text) => text.replaceAll("α", "alpha").replace(/[^\w.=-]+/g, "_");

function downloadButton(label, what, act) {
  const button = element("button", { type: "button", class: "download", "aria-label": `${label}: ${what}` }, label);
  button.addEventListener("click", act);
  return button;
}

function addTableDownload(table) {
  const name = table.node.caption?.textContent.trim() || table.key;
  const act = () => save(`${fileName(table.key)}.csv`, tableCsv(table), "text/csv");
  table.node.closest(".scroll").after(element("p", { class: "downloads" }, downloadButton("CSV", name, act)));
}

// A copy of an SVG that stands for itself: with its size, its ink and a ground.
function wholeSvg(svg) {
  const box = svg.getBoundingClientRect();
  const view = svg.viewBox.baseVal;
  const [width, height] = [view.width || box.width || 640, view.height || box.height || 400];
  const copy = svg.cloneNode(true);
  const look = getComputedStyle(svg);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("style", `color:${look.color};background:${look.backgroundColor};font:12px sans-serif`);
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const paper = getComputedStyle(document.body).backgroundColor;
  const own = look.backgroundColor === "rgba(0, 0, 0, 0)" ? paper : look.backgroundColor;
  for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: own })) ground.setAttribute(key, value);
  copy.prepend(ground);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function savePng(name, svg) {
  const { text, width, height } = wholeSvg(svg);
  const image = new Image();
  image.addEventListener("load", () => {
    const canvas = element("canvas", { width: 2 * width, height: 2 * height });
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.drawImage(image, 0, 0, width, height);
    canvas.toBlob((blob) => save(`${name}.png`, blob), "image/png");
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

// Buttons for one SVG; `rows` gives the lines of its CSV, null where the page has no values of the figure.
function figureDownloads(name, what, svg, rows = null) {
  const bar = element("p", { class: "downloads" });
  bar.append(downloadButton("SVG", what, () => save(`${name}.svg`, wholeSvg(svg()).text, "image/svg+xml")));
  bar.append(downloadButton("PNG", what, () => savePng(name, svg())));
  if (rows) bar.append(downloadButton("CSV", what, () => save(`${name}.csv`, csv(rows()), "text/csv")));
  return bar;
}
