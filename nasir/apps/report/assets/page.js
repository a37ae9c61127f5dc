"use strict";

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

function startTheme() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const isDark = () => (chosen === null ? system.matches : chosen);
  const show = () => {
    if (chosen !== null) document.documentElement.style.colorScheme = chosen ? "dark" : "light";
    button.textContent = isDark() ? "Light" : "Dark";
  };
  button.addEventListener("click", () => { chosen = !isDark(); show(); });
  system.addEventListener("change", show);
  show();
}

function startTabs(tabs) {
  const buttons = all("button", tabs);
  const choose = (chosen) => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", button === chosen);
      document.getElementById(button.dataset.panel).hidden = button !== chosen;
    }
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button));
  choose(buttons[0]);
  tabs.hidden = false;
}

function startSlider(picture) {
  const slider = picture.querySelector(".slider");
  if (!slider) return;
  const stage = slider.querySelector(".stage");
  const views = new Map(all("[data-view]", picture).map((one) => [one.dataset.view, one]));
  const put = (side, name) => {
    stage.querySelector(`img.${side}`).src = views.get(name).querySelector("img").src;
    stage.querySelector(`.name.${side}`).textContent = name;
    slider.querySelector(`[data-side=${side}]`).value = name;
    if (side === "right") {
      for (const [other, button] of views) button.setAttribute("aria-pressed", other === name);
    }
  };
  for (const select of all("select", slider)) {
    select.addEventListener("change", () => put(select.dataset.side, select.value));
    put(select.dataset.side, select.value);
  }
  for (const [name, button] of views) button.addEventListener("click", () => put("right", name));
  const range = stage.querySelector("input");
  const move = () => stage.style.setProperty("--at", `${range.value}%`);
  range.addEventListener("input", move);
  move();
  slider.hidden = false;
}

function compareCells(one, other, column, direction) {
  const [a, b] = [one, other].map((row) => row.cells[column].dataset.order);
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  const [x, y] = [Number(a), Number(b)];
  const numeric = a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y);
  return direction * (numeric ? x - y : a < b ? -1 : a > b ? 1 : 0);
}

function startSorting(table) {
  const heads = all("thead th", table);
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      const direction = up ? 1 : -1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows];
      rows.sort((a, b) => compareCells(a, b, column, direction));
      body.append(...rows);
    });
  });
}

function startTips() {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const titles = new Map();
  for (const title of all("svg title")) {
    titles.set(title.parentNode, title.textContent);
    title.parentNode.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  const place = (x, y) => {
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - height - 12) : y + 18}px`;
  };
  const find = (node) => {
    for (let at = node; at && at.parentNode; at = at.parentNode) if (titles.has(at)) return at;
    return null;
  };
  const show = (event) => {
    const mark = find(event.target);
    tip.hidden = mark === null;
    if (mark === null) return;
    tip.textContent = titles.get(mark);
    const box = mark.getBoundingClientRect();
    if (event.type === "focusin") place(box.right, box.bottom);
    else place(event.clientX, event.clientY);
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);
}

function startCopying(source) {
  const button = source.querySelector(".copy");
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.querySelector("pre").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

startTheme();
all(".tabs").forEach(startTabs);
all(".picture").forEach(startSlider);
all("table[data-sortable]").forEach(startSorting);
all(".source").forEach(startCopying);
startTips();
