// The switch between light and dark: that of the system first, then what the reader chose on this machine.
function addThemeSwitch() {
  const root = document.documentElement;
  const button = element("button", { type: "button", id: "theme" });
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { button.textContent = isDark() ? "Light colours" : "Dark colours"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("hybridret-theme", root.dataset.theme); } catch { /* storage may be off */ }
    name();
  });
  system.addEventListener("change", name);
  name();
  document.querySelector("header > div").append(button);
}
try {
  const kept = localStorage.getItem("hybridret-theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
} catch { /* storage may be off */ }
