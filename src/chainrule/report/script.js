"use strict";
(() => {
  const root = document.documentElement;
  const make = (tag, words) => Object.assign(document.createElement(tag), { textContent: words });

  // Light, dark, or as the system has it. What is chosen holds while the page is open.
  const themes = ["auto", "light", "dark"];
  let theme = 0;
  const switcher = make("button", "");
  switcher.type = "button";
  const dress = () => {
    if (theme) root.dataset.theme = themes[theme];
    else delete root.dataset.theme;
    switcher.textContent = "Colours: " + themes[theme];
  };
  switcher.addEventListener("click", () => { theme = (theme + 1) % 3; dress(); });
  dress();
  const bench = make("div", "");
  bench.className = "bench";
  bench.append(switcher);
  document.body.prepend(bench);

  // Tables that sort by a column; a second click turns the order round.
  const worth = (cell) => {
    const words = cell.textContent.trim().replace(/−/g, "-").replace(/,/g, "");
    const value = parseFloat(words);
    return Number.isNaN(value) ? words : value;
  };
  const order = (a, b) => typeof a === "number" && typeof b === "number"
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const rising = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows].sort((a, b) =>
          (rising ? 1 : -1) * order(worth(a.cells[column]), worth(b.cells[column])));
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Parts one at a time, chosen by pointer or arrow keys.
  document.querySelectorAll(".tabs").forEach((tabs, group) => {
    const parts = [...tabs.querySelectorAll(":scope > .part")];
    if (parts.length < 2) return;
    const list = make("div", "");
    list.setAttribute("role", "tablist");
    const buttons = parts.map((part, place) => {
      const button = make("button", part.querySelector("h3").textContent);
      button.type = "button";
      button.setAttribute("role", "tab");
      button.id = `tab-${group}-${place}`;
      part.id = `panel-${group}-${place}`;
      part.setAttribute("role", "tabpanel");
      part.setAttribute("aria-labelledby", button.id);
      button.setAttribute("aria-controls", part.id);
      button.addEventListener("click", () => show(place));
      list.append(button);
      return button;
    });
    const show = (chosen) => parts.forEach((part, place) => {
      part.toggleAttribute("data-away", place !== chosen);
      buttons[place].setAttribute("aria-selected", String(place === chosen));
      buttons[place].tabIndex = place === chosen ? 0 : -1;
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (buttons.indexOf(document.activeElement) + step + parts.length) % parts.length;
      show(next);
      buttons[next].focus();
    });
    tabs.dataset.on = "";
    tabs.prepend(list);
    show(0);
  });

  // What a mark tells is shown at once, and not after the second that browsers wait.
  const hint = make("div", "");
  hint.className = "hint";
  hint.hidden = true;
  hint.setAttribute("aria-hidden", "true");
  document.body.append(hint);
  for (const title of document.querySelectorAll("svg g > title")) {
    title.parentElement.dataset.hint = title.textContent;
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-hint]");
    hint.hidden = !mark;
    if (!mark) return;
    hint.textContent = mark.dataset.hint;
    const box = hint.getBoundingClientRect();
    const x = Math.min(event.clientX + 14, root.clientWidth - box.width - 8);
    const above = event.clientY - box.height - 12;
    hint.style.left = `${Math.max(8, x)}px`;
    hint.style.top = `${above > 4 ? above : event.clientY + 18}px`;
  });
})();
