// Makes a page of results live: tables sort, and cells of confusion matrices open the images that fell there.
"use strict";
(() => {
  // Makes an element with attributes and children, strings among which become text.
  const make = (name, attributes = {}, ...children) => {
    const isSvg = name === "svg" || name === "use";
    const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // What a cell is sorted by: its figure, or its text. Cells without either come last.
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };

  const compare = (a, b) => {
    const isFigure = (value) => typeof value === "number";
    if (isFigure(a) && isFigure(b)) return a - b;
    if (isFigure(a) !== isFigure(b)) return isFigure(a) ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };

  const sort = (table, header) => {
    const column = header.cellIndex;
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const hasFigures = rows.some((row) => "value" in row.cells[column].dataset);
    const before = header.getAttribute("aria-sort");
    // Figures begin with the largest, names with the first.
    const first = hasFigures ? "descending" : "ascending";
    const second = hasFigures ? "ascending" : "descending";
    const order = before === first ? second : first;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const [left, right] = [key(a, column), key(b, column)];
      // What has no figure comes last, whichever way the others go.
      if (hasFigures && typeof left !== typeof right) return compare(left, right);
      return sign * compare(left, right);
    });
    body.append(...rows);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const header of table.tHead.rows[0].cells) {
      const button = make("button", { type: "button", title: "Sort by this column" }, ...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, header));
    }
  }

  const element = document.getElementById("data");
  if (!element) return;
  const data = JSON.parse(element.textContent);

  // An image with its class and what each model says of it.
  const card = (image) => {
    const name = data.classes[image.class];
    const [, , width, height] = image.view.split(" ");
    const label = `${image.name}, of class ${name}`;
    const thumb = make("svg", { class: "thumb", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    const view = make("svg", { width, height, viewBox: image.view });
    view.append(make("use", { href: `#sheet${image.sheet}` }));
    thumb.append(view);
    const said = image.said.map(([answer, sureness], model) => {
      const isRight = answer === image.class;
      const sign = make("span", { class: "sign" }, isRight ? "✓" : "✗");
      const named = [make("bdi", {}, data.models[model]), ": ", make("bdi", {}, data.classes[answer])];
      return make("li", { class: isRight ? "right" : "wrong" }, sign, " ", ...named, `, ${sureness}`);
    });
    const title = make("p", {}, make("b", {}, make("bdi", {}, name)), " ", make("span", { class: "name" }, make("bdi", {}, image.name)));
    return make("li", { class: "card" }, thumb, make("div", {}, title, make("ul", { class: "said" }, ...said)));
  };

  const title = make("h2", { id: "cell-title" });
  const count = make("p", { class: "quiet" });
  const list = make("ul", { class: "cards" });
  const close = make("button", { type: "button", class: "close" }, "Close");
  const dialog = make("dialog", { "aria-labelledby": "cell-title" }, close, title, count, list);
  document.querySelector("main").append(dialog);
  close.addEventListener("click", () => dialog.close());
  // A click beside the dialog closes it.
  dialog.addEventListener("click", (event) => {
    const box = dialog.getBoundingClientRect();
    const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (event.target === dialog && !isInside) dialog.close();
  });

  const open = (model, place, cell) => {
    const [row, column] = place;
    const images = data.images.filter((image) => image.class === row && image.said[model][0] === column);
    const all = Number(cell.textContent.replaceAll(",", ""));
    title.textContent = `${data.models[model]}: ${cell.title}`;
    const shown = data.images.length === 0 ? "The images can't be shown." : images.length === all ? "All are shown." : `${images.length} of ${all} are shown; the others are left out to keep the page small.`;
    count.textContent = images.length ? `${shown} Each is shown once, with what every model says.` : shown;
    list.replaceChildren(...images.map(card));
    dialog.showModal();
    dialog.scrollTop = 0;
  };

  for (const table of document.querySelectorAll("table[data-model]")) {
    const cells = [...table.querySelectorAll("[data-cell]")];
    const buttons = new Map();
    for (const cell of cells) {
      const place = cell.dataset.cell.split(",").map(Number);
      const button = make("button", { type: "button", "aria-label": cell.title, tabindex: "-1" }, cell.textContent);
      cell.replaceChildren(button);
      button.addEventListener("click", () => open(Number(table.dataset.model), place, cell));
      buttons.set(cell.dataset.cell, button);
    }
    if (buttons.size) document.documentElement.classList.add("scripted");
    const all = [...buttons.values()];
    // Of a list each count is a stop of the tabulator.
    if (!table.matches(".confusion")) {
      for (const button of all) button.tabIndex = 0;
      continue;
    }
    // A matrix is one stop, and arrow keys move within: to the next cell in the row or column, and where there is none to the next of all.
    if (all.length) all[0].tabIndex = 0;
    const size = data.classes.length;
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const beside = (from, [down, right]) => {
      let [row, column] = from.dataset.cell.split(",").map(Number);
      while (row >= 0 && column >= 0 && row < size && column < size) {
        row += down;
        column += right;
        const button = buttons.get(`${row},${column}`);
        if (button) return button;
      }
      return all[all.indexOf(from.firstChild) + down + right];
    };
    table.addEventListener("focusin", (event) => {
      for (const button of all) button.tabIndex = button === event.target ? 0 : -1;
    });
    table.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      const from = event.target.closest("[data-cell]");
      if (!step || !from) return;
      event.preventDefault();
      beside(from, step)?.focus();
    });
  }
})();
