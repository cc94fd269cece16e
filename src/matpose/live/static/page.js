// The page: which bed is shown, the line to the server, and one beat a second.

import { BedView } from "./bed.js";
import { Connection } from "./connection.js";
import { byId, mark, show, write } from "./dom.js";
import { frameAge, sightOf, stamp } from "./sight.js";
import { Wall } from "./wall.js";
import { age, clock } from "./words.js";

const ALONE_MS = 1500; // so long one bed must be the only one before it is opened by itself
const TROUBLE = {
  lost: "Connection lost – what you see is not live. Trying again.",
  denied: "The server does not let this page in: open the whole address that matpose serve printed, token included.",
  missing: "The server knows no bed of this name.",
};
const SAID = { live: "Live", connected: "Connected", none: "No signal", lost: "Connection lost", waiting: "Connecting" };

const wall = new Wall();
const bed = new BedView();
const entries = new Map(); // bed to {state, came}
let opened = null; // the bed that is shown, null for the wall
let connection = null;
let started_ms = 0;

function route() {
  const named = /^#\/bed\/(.+)$/.exec(location.hash);
  opened = named ? decoded(named[1]) : null;
  connection?.close();
  entries.clear();
  wipe();
  started_ms = performance.now();
  show(byId("wall"), opened === null);
  show(byId("bed"), opened !== null);
  show(byId("home"), opened !== null);
  if (opened !== null) bed.open(opened);
  window.scrollTo(0, 0);
  connection = new Connection(opened, take, changed);
  beat();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function take(message) {
  if (message?.event) {
    if (message.event.bed === opened) bed.happen(message.event);
    return;
  }
  if (typeof message?.bed !== "string" || !(Number.isFinite(message.epoch_s) || message.epoch_s === null)) return;
  const entry = { state: message, came: stamp() };
  entries.set(message.bed, entry);
  if (opened === null) return; // the wall is shown with the beat, however many beds there are
  if (message.bed !== opened) return;
  bed.take(entry);
  if (!document.hidden) beat();
}

function changed(link) {
  if (link !== "open") bed.forget();
  beat();
}

/** Show what may be shown now. */
function beat() {
  const { link } = connection;
  connection.check();
  write(byId("clock"), clock(Date.now() / 1000));
  show(byId("banner"), link in TROUBLE);
  write(byId("banner"), TROUBLE[link] ?? "");
  mark(document.body, "link", link);
  if (document.hidden) return;
  if (opened === null) {
    wall.show(entries, link);
    head("Beds", link in TROUBLE ? "lost" : link === "open" ? "connected" : "waiting");
    if (!location.hash && entries.size === 1 && performance.now() - started_ms > ALONE_MS) {
      location.replace(`#/bed/${encodeURIComponent([...entries.keys()][0])}`);
    }
  } else {
    const entry = entries.get(opened);
    bed.show(entry, link);
    head(opened, sightOf(entry, link), entry);
  }
}

function head(title, sight, entry) {
  const late_s = entry && sight === "live" ? frameAge(entry) : 0;
  write(byId("title"), title);
  mark(byId("link"), "sight", sight);
  write(byId("link"), late_s >= 2 ? `Live, ${age(late_s)} ago` : SAID[sight]);
  const heading = `${sight !== "none" && sight !== "lost" ? "" : `${SAID[sight]} · `}${title} – Matpose`;
  if (document.title !== heading) document.title = heading;
}

/** By night the page is dark, whatever the system prefers. */
function dress() {
  const hour = new Date().getHours();
  mark(document.documentElement, "hours", hour >= 20 || hour < 7 ? "night" : "day");
}

/** A tab that sleeps must not wake with a person who lay there then: what is drawn goes before it sleeps. */
function sleepOrWake() {
  if (document.hidden) return wipe();
  connection.hurry();
  return beat();
}

function wipe() {
  bed.wipe();
  wall.wipe();
}

document.addEventListener("visibilitychange", sleepOrWake);
window.addEventListener("pagehide", wipe);
window.addEventListener("pageshow", () => connection.hurry());
window.addEventListener("online", () => connection.hurry());
window.addEventListener("hashchange", route);
setInterval(beat, 1000);
setInterval(dress, 60_000);
dress();
route();
