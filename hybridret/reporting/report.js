// Tooltips of the scatter and the choice of its metric. The page is complete without this file.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);

  const move = (x, y) => {
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, x + 14), innerWidth - box.width - 8);
    const top = y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  };
  const show = (mark, x, y) => {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    move(x, y);
  };
  for (const mark of document.querySelectorAll("[data-tip]")) {
    mark.querySelector("title")?.remove(); // the browser's own tooltip would cover this one
    mark.setAttribute("aria-label", mark.dataset.tip);
    mark.addEventListener("pointerenter", (event) => show(mark, event.clientX, event.clientY));
    mark.addEventListener("pointermove", (event) => move(event.clientX, event.clientY));
    mark.addEventListener("pointerleave", () => { tip.hidden = true; });
    mark.addEventListener("focus", () => {
      const box = mark.getBoundingClientRect();
      show(mark, box.right, box.bottom);
    });
    mark.addEventListener("blur", () => { tip.hidden = true; });
  }

  for (const group of document.querySelectorAll("[data-choices]")) {
    const panels = [...group.querySelectorAll("[data-panel]")];
    const bar = document.createElement("div");
    bar.className = "choices";
    const choose = (wanted) => panels.forEach((panel, i) => {
      panel.hidden = i !== wanted;
      bar.children[i].setAttribute("aria-pressed", String(i === wanted));
    });
    panels.forEach((panel, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = panel.dataset.panel;
      button.addEventListener("click", () => choose(i));
      bar.append(button);
    });
    group.prepend(bar);
    choose(0);
  }
})();
