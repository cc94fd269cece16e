// Every bed as a tile, the most urgent first. A thousand of them: only what changed is touched, once a second.

import { byId, el, mark, show, write } from "./dom.js";
import { paint, shapeOf, wipe } from "./map.js";
import { bedNow, sightOf } from "./sight.js";
import { turnFace } from "./turn.js";
import { POSTURES, clock } from "./words.js";

const STILL_MS = 1500; // nothing moves under a finger
const BY_NAME = new Intl.Collator("en", { numeric: true });

export class Wall {
  constructor() {
    this.tiles = new Map();
    this.list = byId("tiles");
    this.touched_ms = -Infinity;
    for (const kind of ["pointerdown", "keydown"]) {
      this.list.addEventListener(kind, () => { this.touched_ms = performance.now(); });
    }
    this.seen = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) this.tiles.get(target.dataset.bed).inView = isIntersecting;
    }, { rootMargin: "200px" });
  }

  /** Show what is known now; called once a second. */
  show(entries, link) {
    for (const [name, entry] of entries) {
      const tile = this.tiles.get(name) ?? this.add(name);
      tile.face = faceOf(entry, link);
      this.write(tile, entry);
    }
    for (const [name, tile] of this.tiles) {
      if (entries.has(name)) continue;
      this.seen.unobserve(tile.root);
      tile.root.remove();
      this.tiles.delete(name);
    }
    if (performance.now() - this.touched_ms > STILL_MS) this.sort();
    show(byId("wall-waiting"), entries.size === 0);
    write(byId("summary"), entries.size ? summary([...this.tiles.values()].map(({ face }) => face)) : "");
  }

  add(name) {
    const thumb = el("canvas", "thumb");
    Object.assign(thumb, { width: 1, height: 1 });
    thumb.setAttribute("aria-hidden", "true");
    const tile = { name, inView: true, thumb, state: el("p", "tile-state"), posture: el("p", "tile-posture"), turn: el("p", "tile-turn") };
    tile.bar = el("span", "tile-bar", "", el("span"));
    tile.root = el("a", "tile", "", thumb, el("div", "tile-words", "", el("h2", "", name), tile.state, tile.posture, tile.turn, tile.bar));
    tile.root.href = `#/bed/${encodeURIComponent(name)}`;
    tile.root.dataset.bed = name;
    this.tiles.set(name, tile);
    this.list.append(tile.root);
    this.seen.observe(tile.root);
    return tile;
  }

  write(tile, entry) {
    const { face } = tile;
    mark(tile.root, "level", face.level);
    mark(tile.root, "sight", face.sight);
    write(tile.state, face.words);
    write(tile.posture, face.posture);
    write(tile.turn, face.turn.verdict);
    const share = face.turn.share.toFixed(2);
    if (tile.share !== share) tile.bar.style.setProperty("--share", (tile.share = share));
    if (face.sight !== "live") {
      if (tile.drawn !== null) wipe(tile.thumb); // out of view as well: it may be scrolled to
      tile.drawn = null;
    } else if (tile.inView && tile.drawn !== entry.state) {
      const { mat } = entry.state;
      const map = entry.state.thumb ?? entry.state.pressure;
      tile.thumb.style.setProperty("--shape", String(shapeOf(mat)));
      if (map) paint(tile.thumb, map, entry.state.unit);
      else wipe(tile.thumb);
      tile.drawn = entry.state;
    }
  }

  sort() {
    const wanted = [...this.tiles.values()].sort((one, other) =>
      one.face.rank - other.face.rank || one.face.within - other.face.within || BY_NAME.compare(one.name, other.name));
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    let place = this.list.firstElementChild;
    for (const { root } of wanted) {
      if (root !== place && place?.nextElementSibling === root) {
        place.remove(); // it comes later: one tile moves, not all behind it
        place = root;
      }
      if (root === place) place = place.nextElementSibling;
      else this.list.insertBefore(root, place);
    }
    if (focused && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  /** Before the tab sleeps: what it wakes with must not be a person who lay there then. */
  wipe() {
    for (const tile of this.tiles.values()) {
      wipe(tile.thumb);
      tile.drawn = null;
    }
  }
}

const RANKS = ["over", "none", "edge", "soon", "out", "ok", "off"];

/** What a tile says and how urgent it is. An overdue turn stays first even where the signal is lost. */
function faceOf(entry, link) {
  const sight = sightOf(entry, link);
  const { state } = entry;
  const now_s = bedNow(entry);
  const turn = turnFace(state, now_s, sight);
  const due_s = state.turn?.due_s ?? Infinity;
  const level = turn.level === "over" ? "over" : sight !== "live" ? "none" : state.occupancy === "edge" ? "edge"
    : turn.level === "soon" ? "soon" : state.occupancy === "out" ? "out" : turn.level;
  const dark = sight === "lost" ? "Not live" : "No signal";
  const words = sight !== "live" ? state.epoch_s === null ? "No signal yet" : `${dark} since ${clock(state.epoch_s, now_s)}`
    : state.occupancy === "edge" ? "At the edge of the bed" : state.occupancy === "out" ? "Out of bed"
    : state.occupancy === "unknown" ? "Not clear whether in bed" : "In bed";
  const since_s = state.posture?.since_s;
  const posture = sight !== "live" || !state.posture || state.occupancy === "out" ? ""
    : `${POSTURES[state.posture.label] ?? POSTURES.unknown}${since_s ? ` since ${clock(since_s, now_s)}` : ""}`;
  return { sight, level, turn, words, posture, rank: RANKS.indexOf(level), within: level === "over" || level === "soon" ? due_s : 0 };
}

function summary(faces) {
  const count = (level) => faces.filter((face) => face.level === level).length;
  const parts = [["over", "overdue"], ["soon", "due soon"], ["edge", "at the edge"], ["out", "out of bed"]]
    .map(([level, words]) => [count(level), words]);
  const dark = faces.filter(({ sight }) => sight !== "live").length;
  const said = [...parts.slice(0, 1), [dark, "without signal"], ...parts.slice(1)].filter(([number]) => number > 0);
  const beds = `${faces.length} ${faces.length === 1 ? "bed" : "beds"}`;
  return said.length ? `${beds}: ${said.map(([number, words]) => `${number} ${words}`).join(", ")}` : `${beds}, nothing due`;
}
