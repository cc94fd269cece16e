// What the annotator does: choose maps and points, place, move, judge and remove them; every change is saved at once.

import { View, boneEnds, side, spoken } from "./view.js";

const LOADED = 0.05; // share of full scale above which a point placed there counts as seen, until it is said otherwise
const NUDGE_M = 0.005;
const CLICK_PX = 5; // a finger that moves less has not dragged
const HEAD_TO_FOOT = ["head_top", "thorax", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"];

const $ = (id) => document.getElementById(id);
const canvas = $("map");
let session, view, map;
let wanted = 0; // number of the map to show; the one shown is map.number
let current = null; // the point that a click places, and that the keys act on unless one has just been placed
let touched = null; // the point placed last: number keys and Delete mean this one, though the next is selected
let hovered = null;
const pending = new Map(); // number of a map -> changes not yet sent
let sending = null; // [number of a map, changes on their way]
const pointers = new Map(); // what touches the canvas -> where, in pixels
let gesture = null;

start();

async function start() {
  try {
    session = await ask("api/session");
    for (const which of ["left", "right"]) {
      document.documentElement.style.setProperty(`--${which}`, `rgb(${session.side_rgb[which].join(" ")})`);
    }
    view = new View(canvas, session);
    buildLists();
    listen();
    new ResizeObserver(draw).observe(canvas);
    const asked = Number(location.hash.slice(1)) - 1;
    const open = session.maps.findIndex((each) => each.joints < jointNames().length);
    await go(session.maps[asked] ? asked : Math.max(open, 0));
  } catch (error) {
    say(error.message, true);
  }
}

async function ask(path, options) {
  const response = await fetch(path, options).catch(() => {
    throw new Error("matpose label does not answer; is it still running?");
  });
  if (response.ok) return path.endsWith("cells") ? response.arrayBuffer() : response.json();
  const said = await response.json().catch(() => ({ error: response.statusText }));
  throw Object.assign(new Error(said.error), { status: response.status });
}

async function go(number) {
  if (!session.maps[number]) return;
  wanted = number;
  history.replaceState(null, "", `#${number + 1}`);
  try {
    const [found, cells] = await Promise.all([ask(`api/maps/${number}`), ask(`api/maps/${number}/cells`)]);
    if (number !== wanted) return; // somebody leafs faster than we load
    const unsent = [sending?.[0] === number ? sending[1] : {}, pending.get(number) ?? {}];
    for (const [name, mark] of unsent.flatMap(Object.entries)) put(found.marks, name, mark);
    map = { ...found, number };
    view.show(map, new Float32Array(cells));
    gesture = null;
    touched = hovered = null;
    current = jointNames().find((name) => !map.marks[name]) ?? null;
    refresh();
  } catch (error) {
    say(error.message, true);
  }
}

// ---- points

function jointNames() {
  return inOrder(session.points.filter((name) => !name.startsWith("contact:")));
}

function contactNames() {
  return session.points.filter((name) => name.startsWith("contact:"));
}

// Right before left: so they lie in the picture of somebody on the back.
function inOrder(names) {
  const rank = (name) => HEAD_TO_FOOT.indexOf(name.replace(/left_|right_/, ""));
  return names.toSorted((one, other) => rank(one) - rank(other) || (side(one) === "right" ? -1 : 1));
}

function kin(name) {
  return name.startsWith("contact:") ? contactNames() : jointNames();
}

function put(marks, name, mark) {
  if (mark) marks[name] = mark;
  else delete marks[name];
}

function change(name, mark) {
  put(map.marks, name, mark);
  pending.set(map.number, { ...pending.get(map.number), [name]: mark });
  Object.assign(session.maps[map.number], {
    joints: jointNames().filter((each) => map.marks[each]).length,
    points: Object.keys(map.marks).length,
  });
  save();
}

function place(name, [x, y]) {
  const visibility = map.marks[name]?.visibility ?? (view.load([x, y]) >= LOADED ? 2 : 1);
  const rounded = (value) => Math.round(value * 1e4) / 1e4;
  change(name, { x_m: rounded(x), y_m: rounded(y), visibility });
}

function placeAndGoOn(at) {
  if (!current || !view.within(at)) return;
  const names = kin(current);
  const after = names.indexOf(current) + 1;
  place(current, at);
  touched = current;
  current = [...names.slice(after), ...names.slice(0, after)].find((name) => !map.marks[name]) ?? null;
  refresh();
}

function select(name) {
  [current, touched] = [name, map.marks[name] ? name : null];
  if (name?.startsWith("contact:")) $("landmarks").open = true;
  refresh();
}

// The placed point that keys act on.
function subject() {
  return map.marks[touched] ? touched : map.marks[current] ? current : null;
}

function judge(visibility) {
  const name = subject();
  if (!name) return;
  change(name, { ...map.marks[name], visibility });
  refresh();
}

function remove() {
  const name = subject();
  if (!name) return;
  change(name, null);
  select(name);
}

function nudge(x, y) {
  const name = subject() ?? current;
  if (!name) return;
  const mark = map.marks[name];
  const at = mark ? [mark.x_m + x * NUDGE_M, mark.y_m + y * NUDGE_M] : view.centre;
  if (!view.within(at)) return;
  place(name, at);
  select(name);
}

// ---- saving: one request at a time, in order; what failed is sent again together with what came after it

async function save() {
  if (sending) return;
  while (pending.size) {
    sending = pending.entries().next().value;
    const [chosen, changes] = sending;
    pending.delete(chosen);
    say("saving…");
    try {
      await ask(`api/maps/${chosen}`, {
        method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(changes),
      });
      say("saved");
    } catch (error) {
      say(`not saved: ${error.message}`, true);
      if (error.status === 400) { // what the server will never take must not stand on the page as if it had
        sending = null;
        await go(wanted);
        continue;
      }
      pending.set(chosen, { ...changes, ...pending.get(chosen) });
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  sending = null;
}

function say(text, bad = false) {
  $("saved").textContent = text;
  $("saved").classList.toggle("bad", bad);
}

// ---- what the page shows

function buildLists() {
  for (const [list, names] of [["joints", jointNames()], ["contacts", contactNames()]]) {
    for (const name of names) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.id = `point-${name}`;
      button.className = side(name);
      button.textContent = spoken(name);
      button.addEventListener("click", () => select(name));
      if (side(name) === "middle") item.style.gridColumn = "1 / -1";
      item.append(button);
      $(list).append(item);
    }
  }
}

function refresh() {
  const { maps } = session;
  const { number } = map;
  $("title").textContent = `${map.recording}, frame ${map.frame}` + (map.posture === "unknown" ? "" : `, ${map.posture}`);
  const complete = maps.filter((each) => each.joints === jointNames().length).length;
  const count = `${maps[number].joints} of ${jointNames().length} joints`;
  $("progress").textContent = `map ${number + 1} of ${maps.length}: ${count}; maps done: ${complete}; marks of ${session.annotator}`;
  $("previous").disabled = number === 0;
  $("next").disabled = number === maps.length - 1;
  for (const name of session.points) showPoint($(`point-${name}`), name);
  $("landmarks-placed").textContent = `${contactNames().filter((name) => map.marks[name]).length} placed`;
  const judged = subject();
  $("subject").textContent = judged ? spoken(judged) : "no point";
  $("visibility").disabled = !judged;
  for (const radio of $("visibility").querySelectorAll("input")) {
    radio.checked = Boolean(judged) && Number(radio.value) === map.marks[judged].visibility;
  }
  $("bones").replaceChildren(...boneRows());
  hint();
  draw();
}

function showPoint(button, name) {
  const mark = map.marks[name];
  button.classList.toggle("placed", Boolean(mark));
  button.classList.toggle("inferred", mark?.visibility === 1);
  button.classList.toggle("guess", mark?.visibility === 0);
  button.setAttribute("aria-current", String(name === current));
  const said = mark ? `placed, ${["a guess", "inferred", "contact seen"][mark.visibility]}` : "not placed";
  button.setAttribute("aria-label", `${spoken(name)}: ${said}`);
}

function boneRows() {
  const rows = new Map();
  for (const bone of session.bones) rows.set(bone.name, [...(rows.get(bone.name) ?? []), bone]);
  return [...rows].map(([name, bones]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head, ...bones.map((bone) => boneCell(bone, bones.length === 1 ? 2 : 1)));
    return row;
  });
}

function boneCell(bone, span) {
  const cell = document.createElement("td");
  cell.colSpan = span;
  const ends = boneEnds(bone, map.marks);
  const length = ends && 100 * Math.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]);
  const impossible = length > bone.longest_cm;
  cell.textContent = ends ? `${length.toFixed(0)}${impossible ? ` > ${bone.longest_cm.toFixed(0)}` : ""}` : "–";
  cell.classList.toggle("impossible", impossible);
  if (impossible) cell.title = `No lying person's ${bone.name} is longer than ${bone.longest_cm.toFixed(0)} cm.`;
  return cell;
}

function hint() {
  const mark = map.marks[touched];
  const done = mark ? `${spoken(touched)} at ${(100 * mark.x_m).toFixed(1)}, ${(100 * mark.y_m).toFixed(1)} cm. ` : "";
  const complete = session.maps[map.number].joints === jointNames().length;
  const next = current && current !== touched ? `Click places the ${spoken(current)}.`
    : complete && !current ? "All joints are placed: arrow right for the next map." : "";
  $("hint").textContent = done + next;
}

function draw() {
  if (map) view.draw(map.marks, subject(), hovered);
}

// ---- what the annotator does

function listen() {
  $("previous").addEventListener("click", () => go(wanted - 1));
  $("next").addEventListener("click", () => go(wanted + 1));
  for (const name of ["smooth", "root", "grid"]) {
    $(name).addEventListener("change", (event) => {
      view[name] = event.target.checked;
      view.paint();
      draw();
    });
  }
  $("in").addEventListener("click", () => { view.zoomBy(1.5); draw(); });
  $("out").addEventListener("click", () => { view.zoomBy(1 / 1.5); draw(); });
  $("fit").addEventListener("click", () => { view.fit(); draw(); });
  $("visibility").addEventListener("change", (event) => judge(Number(event.target.value)));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoomBy(Math.exp(-event.deltaY / 400), [event.offsetX, event.offsetY]);
    draw();
  }, { passive: false });
  canvas.addEventListener("pointerdown", pressed);
  canvas.addEventListener("pointermove", moved);
  canvas.addEventListener("pointerup", released);
  canvas.addEventListener("pointercancel", cancelled);
  document.addEventListener("keydown", key);
  window.addEventListener("beforeunload", (event) => {
    if (sending || pending.size) event.preventDefault();
  });
}

function reach(event) {
  return event.pointerType === "mouse" ? 11 : 22;
}

function pressed(event) {
  if (!map || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  const at = [event.offsetX, event.offsetY];
  pointers.set(event.pointerId, at);
  if (pointers.size > 1) {
    if (gesture?.kind === "drag") settle();
    gesture = { kind: "pinch" };
  } else gesture = { kind: "click", from: at, name: view.pointAt(at, map.marks, reach(event)) };
}

function moved(event) {
  if (!map) return;
  const at = [event.offsetX, event.offsetY];
  if (!pointers.has(event.pointerId)) {
    const over = view.pointAt(at, map.marks, reach(event));
    if (over !== hovered) { hovered = over; draw(); }
    return;
  }
  if (!gesture) return;
  const before = pointers.get(event.pointerId);
  if (gesture.kind === "click" && Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) < CLICK_PX) return;
  if (gesture.kind === "click") gesture.kind = gesture.name ? "drag" : "pan";
  if (gesture.kind === "pinch") pinch(event.pointerId, before, at);
  if (gesture.kind === "pan") view.shift((before[0] - at[0]) / view.pxPerMetre, (before[1] - at[1]) / view.pxPerMetre);
  if (gesture.kind === "drag") drag(at);
  pointers.set(event.pointerId, at);
  draw();
}

function pinch(id, before, at) {
  const other = [...pointers].find(([each]) => each !== id)?.[1];
  if (!other) return;
  const apart = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 1);
  view.zoomBy(apart(at) / apart(before), other);
}

// The point goes with the pointer at once, and is saved when it is let go.
function drag(at) {
  const [x_m, y_m] = view.toMetres(at);
  if (view.within([x_m, y_m])) map.marks[gesture.name] = { ...map.marks[gesture.name], x_m, y_m };
}

function settle() {
  const { x_m, y_m } = map.marks[gesture.name];
  place(gesture.name, [x_m, y_m]);
  touched = gesture.name;
  refresh();
}

function released(event) {
  if (!pointers.delete(event.pointerId) || !gesture) return;
  const { kind, name } = gesture;
  if (kind === "drag") settle();
  // a joint may lie upon another: a click selects what is there only when there is nothing to place
  if (kind === "click" && name && (!current || map.marks[current])) select(name);
  else if (kind === "click") placeAndGoOn(view.toMetres([event.offsetX, event.offsetY]));
  if (!pointers.size) gesture = null;
}

function cancelled(event) {
  pointers.delete(event.pointerId);
  if (gesture?.kind === "drag") go(wanted);
  if (!pointers.size) gesture = null;
}

function key(event) {
  if (!map || event.ctrlKey || event.metaKey || event.altKey || gesture) return;
  const names = $("landmarks").open ? [...jointNames(), ...contactNames()] : jointNames();
  const step = (by) => select(names[(names.indexOf(current) + by + names.length + (current ? 0 : by < 0)) % names.length]);
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const radio = event.target.type === "radio"; // arrows choose among these, as everywhere
  if (arrows[event.key] && event.shiftKey) nudge(...arrows[event.key]);
  else if (arrows[event.key] && radio) return;
  else if (event.key === "ArrowLeft") go(wanted - 1);
  else if (event.key === "ArrowRight") go(wanted + 1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key === "ArrowDown") step(1);
  else if (["0", "1", "2"].includes(event.key)) judge(Number(event.key));
  else if (event.key === "Delete" || event.key === "Backspace") remove();
  else if (event.key === "+") { view.zoomBy(1.5); draw(); }
  else if (event.key === "-") { view.zoomBy(1 / 1.5); draw(); }
  else return;
  event.preventDefault();
}
