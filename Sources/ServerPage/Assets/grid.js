// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { attribute, el, oncePerFrame } from "./dom.js";

/** Rows beyond what is seen that are there all the same, so that scrolling shows no gaps. */
const margin = 8;

/**
 * A table of any length, of which only the rows that are seen exist. The focus stays on the table; the row that is meant is named
 * by `aria-activedescendant`, so that a row may go when it is scrolled away.
 */
export class Grid {
  rows = [];
  selected = null;
  #place = -1;
  #shown = new Map();
  #spare = [];
  #made = 0;
  #draw = oncePerFrame(() => this.draw());

  /** @param options `label`, `role`, `columns`, `order`, and what happens: `choose(row)`, `open(row)`, `key(event, row)`, `sort(by)`. */
  constructor(options) {
    this.options = options;
    this.head = el("div", { role: "row", class: "row head", "aria-rowindex": 1 });
    this.headings = options.columns.map((column) => this.#heading(column));
    this.head.append(...this.headings);
    this.body = el("div", { role: "rowgroup", class: "rows" });
    this.element = el("div", {
      class: `grid ${options.name}`, role: options.role ?? "grid", tabindex: 0, "aria-label": options.label,
      "aria-colcount": options.columns.length, "aria-describedby": options.describedBy,
    }, el("div", { role: "rowgroup", class: "heads" }, this.head), this.body);
    this.element.addEventListener("scroll", this.#draw, { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.body.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(this.#draw).observe(this.element);
    this.showOrder();
  }

  get rowHeight() {
    return matchMedia("(max-width: 46rem)").matches ? 58 : 36;
  }

  /** The row that is meant, if any. */
  get current() { return this.rows[this.#place] ?? null; }

  #heading(column) {
    const title = column.order
      ? el("button", { class: "sort", onclick: () => this.options.sort(column.order) }, column.title)
      : el("span", { class: column.isTitleHidden ? "sr" : null }, column.title);
    return el("div", { role: "columnheader", class: `cell ${column.name}` }, title);
  }

  /** Says by which column the rows are in order. */
  showOrder() {
    this.options.columns.forEach((column, place) => {
      const order = this.options.order?.();
      const isOne = column.order && order?.by === column.order;
      attribute(this.headings[place], "aria-sort", isOne ? ((order.reversed !== Boolean(column.descends)) ? "descending" : "ascending") : null);
    });
  }

  /** Shows other rows. What is meant stays meant; if it is gone, its place is taken by what follows. */
  show(rows) {
    this.rows = rows;
    attribute(this.element, "aria-rowcount", rows.length + 1);
    this.body.style.height = `${rows.length * this.rowHeight}px`;
    let place = this.selected === null ? -1 : rows.findIndex((row) => row.key === this.selected);
    if (place < 0 && this.selected !== null) place = Math.min(this.#place, rows.length - 1);
    this.#place = place;
    this.selected = rows[place]?.key ?? null;
    this.draw();
  }

  /** Means a row by its key, and brings it into view. */
  select(key, reveals = true) {
    this.selected = key;
    this.#place = this.rows.findIndex((row) => row.key === key);
    if (reveals && this.#place >= 0) this.reveal();
    this.draw();
  }

  reveal() {
    const height = this.rowHeight;
    const top = this.#place * height;
    const seen = this.element.clientHeight - this.head.offsetHeight;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + height > this.element.scrollTop + seen) this.element.scrollTop = top + height - seen;
  }

  /** Brings what is seen up to date. Rows keep their elements, and elements their texts, where nothing has changed. */
  draw() {
    const height = this.rowHeight;
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - margin);
    const last = Math.min(this.rows.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + margin);
    const wanted = new Map();
    for (let place = first; place < last; place += 1) wanted.set(this.rows[place].key, place);
    for (const [key, element] of this.#shown) {
      if (wanted.has(key)) continue;
      this.#shown.delete(key);
      this.#spare.push(element);
    }
    for (const [key, place] of wanted) {
      let element = this.#shown.get(key);
      if (!element) {
        element = this.#spare.pop() ?? this.#row();
        element.item = null;
        this.#shown.set(key, element);
        if (!element.isConnected) this.body.append(element);
      }
      this.#fill(element, this.rows[place], place, height);
    }
    for (const element of this.#spare) element.remove();
    this.#spare.length = 0;
    attribute(this.element, "aria-activedescendant", this.#shown.get(this.selected)?.id);
  }

  #row() {
    const cells = this.options.columns.map((column) => column.make(el("div", { role: "gridcell", class: `cell ${column.name}` })));
    const row = el("div", { role: "row", class: "row", id: `row-${this.options.name}-${(this.#made += 1)}` }, cells);
    row.cells = cells;
    return row;
  }

  #fill(element, row, place, height) {
    attribute(element, "aria-rowindex", place + 2);
    attribute(element, "aria-selected", row.key === this.selected ? "true" : "false");
    if (this.options.role === "treegrid") attribute(element, "aria-level", row.level);
    if (element.place !== place || element.height !== height) {
      element.place = place;
      element.height = height;
      element.style.transform = `translateY(${place * height}px)`;
    }
    element.key = row.key;
    const isSame = element.item === row.item && element.level === row.level && element.guides === row.guides && element.isContext === row.isContext;
    if (!isSame) {
      element.classList.toggle("context", Boolean(row.isContext));
      element.item = row.item;
      element.level = row.level;
      element.guides = row.guides;
      element.isContext = row.isContext;
    }
    this.options.columns.forEach((column, index) => {
      if (!isSame || column.ticks) column.fill(element.cells[index], row);
    });
  }

  #click(event) {
    const element = event.target.closest(".row");
    const row = element && this.rows[element.place];
    if (!row || row.key !== element.key) return;
    const button = event.target.closest("button");
    this.select(row.key, false);
    if (button) this.options.press(button.dataset.does, row);
    else {
      this.options.choose(row);
      this.options.open(row);
    }
  }

  #key(event) {
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((this.element.clientHeight - this.head.offsetHeight) / this.rowHeight) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      event.preventDefault();
      if (!this.rows.length) return;
      const from = this.#place < 0 && moves[event.key] > 0 ? -1 : Math.max(0, this.#place);
      this.#place = Math.min(this.rows.length - 1, Math.max(0, from + moves[event.key]));
      this.selected = this.rows[this.#place].key;
      this.reveal();
      this.draw();
      this.options.choose(this.rows[this.#place]);
    } else if (event.key === "Enter" && this.current) {
      event.preventDefault();
      this.options.open(this.current, true);
    } else {
      this.options.key(event, this.current);
    }
  }
}

