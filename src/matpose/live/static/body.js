// What presses on the body, part by part: two figures in the colours of pressure, with numbers; a tap tells more.

import { byId, el, mark, show, svg, write } from "./dom.js";
import { FIGURE_BOX, outlines } from "./figure.js";
import { colour, isLight, roundUp } from "./palette.js";
import { partWords, span } from "./words.js";

const MEASURES = {
  dose: { of: (row) => row.dose_mmhg_h, unit: "mmHg·h", least: 200, note: "Pressure × time since the watch began" },
  peak: { of: (row) => row.peak_mmhg, unit: "mmHg", least: 80, note: "Highest pressure now, over 9 cm²" },
  time: { of: (row) => row.loaded_s / 3600, unit: "h", least: 2, note: "Time under load without a break" },
};
const HIGHEST = 4;

export class BodyFigure {
  constructor() {
    this.measure = "dose";
    this.chosen = null;
    this.rows = null;
    this.shapes = new Map(); // part to its groups: the front and the back share some
    byId("figures").replaceChildren(this.figure("back", "From behind", "L", "R"), this.figure("front", "From the front", "R", "L"));
    byId("measures").addEventListener("change", ({ target }) => {
      this.measure = target.value;
      this.write();
    });
  }

  figure(view, title, left, right) {
    const drawing = svg("svg", { viewBox: FIGURE_BOX, "aria-label": title, role: "group" });
    const { neck, parts } = outlines(view);
    drawing.append(svg("path", { d: neck, class: "neck" }));
    for (const [letter, x] of [[left, 44], [right, 156]]) drawing.append(text(letter, x, 22, "letter"));
    for (const { name, path, x, y } of parts) {
      const number = text("", x, y, "number");
      const group = svg("g", { class: "part-shape", role: "button", tabindex: "0", "data-part": name }, svg("path", { d: path }), number);
      group.addEventListener("click", () => this.choose(name));
      group.addEventListener("keydown", (press) => {
        if (press.key !== "Enter" && press.key !== " ") return;
        press.preventDefault();
        this.choose(name);
      });
      this.shapes.set(name, [...(this.shapes.get(name) ?? []), { group, number }]);
      drawing.append(group);
    }
    return el("figure", view, "", drawing, el("figcaption", "", title));
  }

  choose(name) {
    this.chosen = this.chosen === name ? null : name;
    this.write();
  }

  /** @param rows the state's parts, or null where they may not be shown as now. */
  show(rows) {
    this.rows = rows?.length ? rows : null;
    this.write();
  }

  write() {
    const calibrated = Boolean(this.rows?.some((row) => row.dose_mmhg_h !== null));
    for (const input of byId("measures").elements) if (input.value !== "time") input.disabled = this.rows !== null && !calibrated;
    const measure = MEASURES[this.rows && !calibrated ? "time" : this.measure];
    const values = new Map((this.rows ?? []).map((row) => [row.name, measure.of(row) ?? 0]));
    const scale = roundUp(Math.max(measure.least, ...values.values()));
    for (const [name, drawn] of this.shapes) {
      const value = values.get(name) ?? 0;
      for (const { group, number } of drawn) {
        group.style.setProperty("--fill", value > 0 ? colour(value / scale) : "var(--nobody)");
        mark(group, "ink", isLight(value / scale) ? "dark" : "light");
        mark(group, "chosen", String(name === this.chosen));
        write(number, value > 0 ? brief(value, measure) : "");
        const said = `${partWords(name)}: ${this.rows ? full(value, measure) : "not known"}`;
        if (group.getAttribute("aria-label") !== said) group.setAttribute("aria-label", said);
      }
    }
    write(byId("body-note"), !this.rows ? "Not live: pressures are not shown."
      : calibrated ? `${measure.note}. Brightest: ${brief(scale, measure)} ${measure.unit}`
      : "This mat is not calibrated: only the time under load is known.");
    this.writeHighest(values, measure);
    this.writeChosen();
    this.writeTable();
  }

  writeHighest(values, measure) {
    const highest = [...values].filter(([, value]) => value > 0).sort((one, other) => other[1] - one[1]).slice(0, HIGHEST);
    const list = byId("highest");
    while (list.children.length > highest.length) list.lastElementChild.remove();
    highest.forEach(([name, value], index) => {
      const button = list.children[index]?.firstElementChild ?? list.appendChild(el("li", "", "", this.button())).firstElementChild;
      button.dataset.part = name;
      write(button.firstElementChild, partWords(name));
      write(button.lastElementChild, full(value, measure));
      button.setAttribute("aria-pressed", String(name === this.chosen));
    });
  }

  button() {
    const made = el("button", "", "", el("span"), el("strong"));
    made.type = "button";
    made.addEventListener("click", () => this.choose(made.dataset.part));
    return made;
  }

  writeChosen() {
    const row = this.rows?.find(({ name }) => name === this.chosen);
    const card = byId("part");
    show(card, Boolean(row));
    if (!row) return card.replaceChildren();
    const facts = FACTS.map(([words, of]) => [words, of(row)]);
    if (card.dataset.part !== row.name || card.children.length !== 2) {
      card.dataset.part = row.name;
      card.replaceChildren(el("h3", "", partWords(row.name)),
        el("dl", "facts", "", ...facts.map(([words]) => el("div", "", "", el("dt", "", words), el("dd")))));
    }
    card.querySelectorAll("dd").forEach((place, index) => write(place, facts[index][1]));
    return undefined;
  }

  writeTable() {
    const table = byId("parts");
    if (!table.closest("details").open || !this.rows) return table.replaceChildren();
    const cell = (content) => el("td", "", content);
    table.replaceChildren(
      el("thead", "", "", el("tr", "", "", ...["Part", ...FACTS.map(([words]) => words)].map((words) => el("th", "", words)))),
      el("tbody", "", "", ...this.rows.map((row) => el("tr", "", "", el("th", "", partWords(row.name)), ...FACTS.map(([, of]) => cell(of(row)))))),
    );
    return undefined;
  }
}

const known = (value, unit, digits = 0) => (value === null || value === undefined ? "not known" : `${value.toFixed(digits)} ${unit}`);
const FACTS = [
  ["Peak now", (row) => known(row.peak_mmhg, "mmHg") + (row.single_cell && row.peak_mmhg ? " (one cell)" : "")],
  ["Mean now", (row) => known(row.mean_mmhg, "mmHg")],
  ["Area", (row) => known(row.area_cm2, "cm²")],
  ["Dose", (row) => known(row.dose_mmhg_h, "mmHg·h", row.dose_mmhg_h < 10 ? 1 : 0)],
  ["Under load for", (row) => (row.loaded_s > 0 ? span(row.loaded_s) : "not loaded")],
];

/** A number that fits into a forearm. */
const brief = (value, { unit }) => (unit === "h" ? `${Number(value.toFixed(value < 10 ? 1 : 0))}` : value < 0.95 ? "<1" : value.toFixed(0));
const full = (value, measure) => (measure.unit === "h" ? (value > 0 ? span(value * 3600) : "not loaded") : `${brief(value, measure)} ${measure.unit}`);

function text(words, x, y, kind) {
  const made = svg("text", { x, y, class: kind });
  made.textContent = words;
  return made;
}
