// The night as it went: a lane for each posture, turns and exits across them, hatching where nothing was read.

import { byId, svg } from "./dom.js";
import { LANES, POSTURES, brief, clock, span } from "./words.js";

const LANE_PX = 26;
const TOP_PX = 20;
const AXIS_PX = 24;
const NARROW_PX = 460;
const ALWAYS = ["supine", "left", "right", "prone"];
const LONGEST_S = 25 * 3600;

export class Timeline {
  constructor() {
    this.drawing = byId("timeline");
    this.hours = 12;
    byId("spans").addEventListener("change", ({ target }) => {
      this.hours = Number(target.value);
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(this.drawing);
    this.clear();
  }

  clear() {
    this.stays = []; // {posture, from_s, until_s}, in order
    this.marks = []; // {epoch_s, kind}
    this.gaps = []; // {from_s, until_s, own}; until_s null: it goes on; own: the page itself saw nothing
    this.now_s = null;
    this.drawing.replaceChildren();
  }

  /** What the server remembers. Anything seen live meanwhile and later than it stays. */
  remember(postures, events) {
    const last_s = postures.at(-1)?.until_s ?? -Infinity;
    const later = this.stays.filter(({ until_s }) => until_s > last_s);
    this.stays = postures.map((stay) => ({ ...stay }));
    for (const stay of later) this.stay({ ...stay, from_s: Math.max(stay.from_s, last_s) });
    if (postures.length) this.gaps = this.gaps.filter(({ own }) => !own); // the server may have seen what the page did not
    for (const event of [...events].sort((one, other) => one.epoch_s - other.epoch_s)) this.happen(event);
    this.draw();
  }

  happen({ epoch_s, kind, detail }) {
    if (this.marks.some((mark) => mark.kind === kind && Math.abs(mark.epoch_s - epoch_s) < 0.5)) return;
    this.marks.push({ epoch_s, kind });
    if (kind === "gap" && detail?.seconds > 0) this.gaps.push({ from_s: epoch_s - detail.seconds, until_s: epoch_s });
    if (kind === "no_signal") this.gaps.push({ from_s: epoch_s, until_s: null });
    if (kind === "signal") this.close(epoch_s);
  }

  /** One live state: its posture goes on until the frame's time. */
  grow({ epoch_s, posture }, now_s) {
    if (epoch_s < (this.stays.at(-1)?.until_s ?? 0) - 60) this.clear(); // a replay began anew
    this.now_s = now_s;
    this.close(epoch_s);
    if (posture) this.stay({ posture: posture.label, from_s: Math.min(posture.since_s ?? epoch_s, epoch_s), until_s: epoch_s });
  }

  /** A stay goes on, or another begins and ends it. */
  stay(stay) {
    const last = this.stays.at(-1);
    if (last?.posture === stay.posture && stay.from_s <= last.until_s) {
      last.until_s = Math.max(last.until_s, stay.until_s);
      return;
    }
    if (last) last.until_s = Math.min(last.until_s, Math.max(stay.from_s, last.from_s));
    this.stays.push(stay);
  }

  /** No state may be shown as now: the time since the last frame is a gap. */
  darken(last_s, now_s) {
    this.now_s = now_s;
    if (!this.gaps.some(({ until_s }) => until_s === null)) this.gaps.push({ from_s: last_s, until_s: null, own: true });
  }

  /** Frames come again. */
  close(epoch_s) {
    for (const gap of this.gaps) gap.until_s ??= Math.max(epoch_s, gap.from_s);
  }

  /** A page may be open for weeks. */
  drop(before_s) {
    this.stays = this.stays.filter(({ until_s }) => until_s > before_s);
    this.marks = this.marks.filter(({ epoch_s }) => epoch_s > before_s);
    this.gaps = this.gaps.filter(({ until_s }) => until_s === null || until_s > before_s);
  }

  draw() {
    const width = Math.floor(this.drawing.clientWidth);
    if (!this.now_s || width < 120) return;
    const until_s = this.now_s;
    this.drop(until_s - LONGEST_S);
    const from_s = until_s - this.hours * 3600;
    const inside = this.stays.filter((stay) => stay.until_s > from_s && stay.from_s < until_s);
    const lanes = Object.keys(LANES).filter((name) => ALWAYS.includes(name) || inside.some(({ posture }) => posture === name));
    const bottom = TOP_PX + lanes.length * LANE_PX;
    const narrow = width < NARROW_PX;
    const [left, right] = narrow ? [52, 46] : [60, 72];
    const lane_px = width - left - right;
    const x = (time_s) => left + ((Math.min(Math.max(time_s, from_s), until_s) - from_s) / (until_s - from_s)) * lane_px;
    const bar = (start_s, stop_s, y, height, kind, words) =>
      svg("rect", { x: x(start_s).toFixed(1), y, width: Math.max(x(stop_s) - x(start_s), 1).toFixed(1), height, class: kind }, titled(words));
    const drawn = [];
    lanes.forEach((name, lane) => {
      const y = TOP_PX + lane * LANE_PX;
      const stays = inside.filter(({ posture }) => posture === name);
      const total_s = stays.reduce((sum, stay) => sum + within(stay, from_s, until_s), 0);
      drawn.push(
        svg("rect", { x: left, y: y + 2, width: lane_px, height: LANE_PX - 4, class: "lane" }),
        label(LANES[name], left - 7, y + LANE_PX / 2, "lane-name"),
        label(total_s < 60 ? "" : (narrow ? brief : span)(total_s), width - 2, y + LANE_PX / 2, "lane-total"),
        ...stays.map((stay) => bar(stay.from_s, stay.until_s, y + 2, LANE_PX - 4, `stay ${name}`,
          `${POSTURES[name]} ${clock(stay.from_s)} to ${clock(stay.until_s)}`)),
      );
    });
    for (const gap of this.gaps) {
      if ((gap.until_s ?? until_s) <= from_s) continue;
      drawn.push(bar(gap.from_s, gap.until_s ?? until_s, TOP_PX, bottom - TOP_PX, "gap",
        `No readings ${clock(gap.from_s)} to ${gap.until_s === null ? "now" : clock(gap.until_s)}`));
    }
    for (const { epoch_s, kind } of this.marks) {
      if (epoch_s < from_s || (kind !== "turn" && kind !== "bed_exit")) continue;
      const at = Number(x(epoch_s).toFixed(1));
      const turn = kind === "turn";
      const shape = turn ? `M${at} ${TOP_PX}V${bottom}M${at - 4} 8L${at + 4} 8L${at} 16Z` : `M${at - 4} 8h8v8h-8Z`;
      drawn.push(svg("path", { d: shape, class: turn ? "tick" : "exit" }, titled(`${turn ? "Turn" : "Left the bed"} ${clock(epoch_s)}`)));
    }
    drawn.push(...axis(from_s, until_s, x, bottom, lane_px));
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${bottom + AXIS_PX}`);
    this.drawing.setAttribute("height", bottom + AXIS_PX);
    this.drawing.setAttribute("aria-label", this.inWords(inside, from_s, until_s));
    this.drawing.replaceChildren(hatching(), ...drawn);
  }

  inWords(inside, from_s, until_s) {
    const totals = new Map();
    for (const stay of inside) totals.set(stay.posture, (totals.get(stay.posture) ?? 0) + within(stay, from_s, until_s));
    const turns = this.marks.filter(({ kind, epoch_s }) => kind === "turn" && epoch_s >= from_s).length;
    const said = [...totals].map(([name, total_s]) => `${POSTURES[name] ?? POSTURES.unknown} ${span(total_s)}`);
    return `The last ${this.hours} hours: ${said.join(", ") || "nothing yet"}; turns: ${turns}`;
  }
}

/** Seconds of a stay that are in sight. */
const within = (stay, from_s, until_s) => Math.min(stay.until_s, until_s) - Math.max(stay.from_s, from_s);

/** Full local hours, as many as there is room for. */
function axis(from_s, until_s, x, bottom, lane_px) {
  const room = lane_px / 52;
  const step = [1, 2, 3, 4, 6, 12].find((hours) => (until_s - from_s) / 3600 / hours <= room) ?? 24;
  const hour = new Date(from_s * 1000);
  hour.setMinutes(60, 0, 0);
  const drawn = [];
  for (; hour.getTime() / 1000 <= until_s; hour.setHours(hour.getHours() + 1)) {
    if (hour.getHours() % step) continue;
    const at = x(hour.getTime() / 1000).toFixed(1);
    drawn.push(svg("path", { d: `M${at} ${TOP_PX}V${bottom + 4}`, class: "hour" }), label(clock(hour.getTime() / 1000), at, bottom + 15, "hour-name"));
  }
  return drawn;
}

function hatching() {
  return svg("defs", {}, svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 6, height: 6, class: "hatch-ground" }), svg("path", { d: "M0 0V6", class: "hatch-line" })));
}

function titled(words) {
  const made = svg("title");
  made.textContent = words;
  return made;
}

function label(words, x, y, kind) {
  const made = svg("text", { x, y, class: kind });
  made.textContent = words;
  return made;
}
