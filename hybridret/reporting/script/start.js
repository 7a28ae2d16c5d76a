// Brings the page to life once: all that is above only defines.
document.documentElement.classList.add("live");
addThemeSwitch();
readAddress();
for (const table of tables) {
  addSortButtons(table);
  addTableDownload(table);
}
for (const svg of document.querySelectorAll("figure > svg.plot")) {
  svg.parentNode.append(figureDownloads(svg.parentNode.dataset.name, svg.getAttribute("aria-label"), () => svg));
}
if (raw.sweeps.length) addFilters();
const update = () => {
  if (raw.sweeps.length) showFilters();
  updateTables();
  updateFrames();
};
listeners.push(update);
update();
for (const frame of frames) watcher.observe(frame.node);

// Links inside the page keep the filters in the address.
function jump(key) {
  const target = document.getElementById(key);
  if (!target) return;
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  drawAbove(target);
  target.scrollIntoView();
  if (!target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
}
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  event.preventDefault();
  state.at = link.getAttribute("href").slice(1);
  writeAddress();
  jump(state.at);
});
addEventListener("hashchange", () => {
  if (readAddress()) listeners.forEach((listen) => listen("address"));
  jump(state.at);
});
if (state.at) jump(state.at);
document.documentElement.dataset.ready = "true";
