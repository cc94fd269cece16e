// One bed, in full.

import { BodyFigure } from "./body.js";
import { byId, el, mark, show, write } from "./dom.js";
import { PressureMap } from "./map.js";
import { bedNow, frameAge, sightOf } from "./sight.js";
import { Timeline } from "./timeline.js";
import { turnFace } from "./turn.js";
import { POSTURES, age, clock, clockSeconds, eventWords, flagWords, span } from "./words.js";

const REMEMBERED_S = 24 * 3600;
const ASTRAY_S = 120; // so far a bed's clock may be from ours unmentioned
const EVENTS_SHOWN = 60;
const EVENTS_KEPT = 1000;

const newestFirst = (one, other) => other.epoch_s - one.epoch_s;

export class BedView {
  constructor() {
    this.map = new PressureMap();
    this.body = new BodyFigure();
    this.timeline = new Timeline();
    this.name = null;
  }

  open(name) {
    this.name = name;
    this.happened = [];
    this.asked = false;
    this.timeline.clear();
    this.writeEvents();
    this.show(undefined, "connecting");
  }

  /** The line was cut: what happened meanwhile must be asked for. */
  forget() {
    this.asked = false;
  }

  /** A new state has come. */
  take(entry) {
    const now_s = bedNow(entry);
    if (entry.state.signal === "live") this.timeline.grow(entry.state, now_s);
    if (!this.asked && entry.state.epoch_s !== null) {
      this.asked = true;
      this.ask(now_s);
    }
  }

  async ask(now_s) {
    const { name } = this;
    const since = new URLSearchParams({ since_s: String(Math.max(now_s - REMEMBERED_S, 0)) });
    const [postures, events] = await Promise.all(["postures", "events"].map((what) =>
      rows(`v1/beds/${encodeURIComponent(name)}/${what}?${since}`)));
    if (name !== this.name) return;
    this.timeline.remember(postures, events);
    for (const event of events) this.add(event);
    this.writeEvents();
  }

  happen(event) {
    this.timeline.happen(event);
    this.add(event);
    this.writeEvents();
  }

  add(event) {
    if (!this.happened.some(({ kind, epoch_s }) => kind === event.kind && Math.abs(epoch_s - event.epoch_s) < 0.5)) this.happened.push(event);
    if (this.happened.length > EVENTS_KEPT) this.happened.sort(newestFirst).length = EVENTS_KEPT;
  }

  /** Everything as it may be shown now: called with each state and once a second. */
  show(entry, link) {
    const sight = sightOf(entry, link);
    const state = entry?.state;
    const now_s = entry ? bedNow(entry) : Date.now() / 1000;
    const live = sight === "live";
    if (live && state.pressure) {
      if (this.drawn !== state) this.map.draw(state);
      this.drawn = state;
    } else this.wipe();
    this.writeNothing(sight, entry, now_s);
    this.writeTurn(turnFace(state, now_s, sight));
    this.writePosture(live ? state : null, now_s);
    const parts = live ? state.parts ?? null : null;
    if (parts !== this.parts) this.body.show((this.parts = parts));
    if (entry && !live && state.epoch_s !== null) this.timeline.darken(state.epoch_s, now_s);
    else if (live) this.timeline.now_s = now_s;
    const minute = `${Math.floor(now_s / 10)} ${sight} ${this.timeline.stays.length} ${this.timeline.gaps.length}`;
    if (minute !== this.minute) this.timeline.draw();
    this.minute = minute;
  }

  wipe() {
    this.map.wipe();
    this.drawn = null;
  }

  writeNothing(sight, entry, now_s) {
    show(byId("nothing"), this.drawn === null);
    mark(byId("map"), "sight", sight);
    if (this.drawn !== null) {
      write(byId("nothing-title"), "");
      write(byId("nothing-why"), "");
      return;
    }
    write(byId("nothing-title"), { waiting: "Waiting for the bed", none: "No signal", lost: "Connection lost", live: "No map" }[sight]);
    const last = Number.isFinite(entry?.state.epoch_s) ? `Last frame at ${clockSeconds(entry.state.epoch_s)}, ${age(frameAge(entry))} ago.` : "Nothing has come yet.";
    write(byId("nothing-why"), sight === "live" ? "The mat's frame cannot be used." : sight === "lost" ? `What you see is not live. ${last}` : last);
  }

  writeTurn(face) {
    mark(byId("turn"), "level", face.level);
    write(byId("since"), face.since);
    write(byId("since-what"), face.what);
    write(byId("verdict"), face.verdict);
    write(byId("turn-times"), face.times);
    byId("sweep").style.setProperty("--share", face.share.toFixed(3));
  }

  /** @param state null where it may not be shown as now. */
  writePosture(state, now_s) {
    const { label = null, since_s = null } = state?.posture ?? {};
    write(byId("posture-words"), state ? POSTURES[label] ?? POSTURES.unknown : "Posture not known");
    write(byId("posture-since"), since_s === null ? "" : `since ${clock(since_s, now_s)}, for ${span(now_s - since_s)}`);
    const where = state && { edge: "At the edge of the bed", out: "Out of bed", unknown: "Not clear whether in bed" }[state.occupancy];
    show(byId("occupancy"), Boolean(where) && !(state.occupancy === "out" && label === "empty"));
    write(byId("occupancy"), where ?? "");
    mark(byId("posture"), "occupancy", state?.occupancy ?? "unknown");
    const movement = state?.movement ?? null;
    write(byId("movement"), movement === null ? "not known" : movement < 0.01 ? "still" : movement < 0.05 ? "a little" : movement < 0.15 ? "some" : "much");
    byId("movement-bar").value = Math.min(Math.sqrt(movement ?? 0), 1);
    for (const side of ["left", "right"]) {
      const off = state?.heels_off?.[side] ?? null;
      write(byId(`heel-${side}`), off === null ? "cannot be told" : off ? "off the mat" : "on the mat");
    }
    const flags = flagWords(state?.flags);
    if (state && Math.abs(now_s - Date.now() / 1000) > ASTRAY_S) flags.unshift(`This bed's clock says ${clock(now_s, Date.now() / 1000)}: its times are by that clock.`);
    const list = byId("flags");
    if ([...list.children].map((row) => row.textContent).join() !== flags.join()) list.replaceChildren(...flags.map((words) => el("li", "", words)));
  }

  writeEvents() {
    const turns = this.happened.filter(({ kind }) => kind === "turn");
    const told = ({ kind, epoch_s }) => kind === "posture" && turns.some((turn) => Math.abs(turn.epoch_s - epoch_s) < 1);
    const shown = this.happened.sort(newestFirst).filter((event) => !told(event)).slice(0, EVENTS_SHOWN);
    const near_s = shown[0]?.epoch_s;
    byId("events").replaceChildren(...shown.map((event) => {
      const row = el("li", "", "", el("time", "", clock(event.epoch_s, near_s)), el("span", "", eventWords(event)));
      row.dataset.kind = event.kind;
      return row;
    }));
    show(byId("no-events"), shown.length === 0);
  }
}

/** A list that the server keeps; none where it keeps no history. */
async function rows(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) return [];
    const body = await answer.json();
    return Array.isArray(body) ? body : [];
  } catch {
    return [];
  }
}
