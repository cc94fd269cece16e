// The pressure map, cell for cell as it was measured, and the skeleton upon it.

import { byId, show, svg, write } from "./dom.js";
import { MAGMA, brightness, roundUp } from "./palette.js";

export const MMHG_PER_KPA = 7.50062;
const LIMBS = [
  ["right_ankle", "right_knee"], ["right_knee", "right_hip"], ["right_hip", "left_hip"], ["left_hip", "left_knee"],
  ["left_knee", "left_ankle"], ["right_wrist", "right_elbow"], ["right_elbow", "right_shoulder"],
  ["right_shoulder", "thorax"], ["thorax", "left_shoulder"], ["left_shoulder", "left_elbow"],
  ["left_elbow", "left_wrist"], ["thorax", "head_top"], ["right_hip", "right_shoulder"], ["left_hip", "left_shoulder"],
];
const LETTERED = ["shoulder", "wrist", "ankle"]; // both sides there say which they are
const JOINT_M = 0.02;

/** What full scale means, in mmHg where pressures have a unit: a round number. */
export const fullScale = ({ full_scale }, unit) => roundUp(full_scale * (unit === "kPa" ? MMHG_PER_KPA : 1));

/** Width over height; cells are not always square. */
export const shapeOf = ({ rows, cols, pitch_x_m, pitch_y_m }) => (cols * (pitch_x_m ?? 1)) / (rows * (pitch_y_m ?? 1));

/** Draw a map's bytes, one pixel a cell; CSS enlarges them unsmoothed. */
export function paint(canvas, pressure, unit) {
  const { rows, cols, data } = pressure;
  const bytes = atob(data);
  if (bytes.length !== rows * cols) return wipe(canvas); // never a part of a map
  const shown = fullScale(pressure, unit);
  const share = (pressure.full_scale * (unit === "kPa" ? MMHG_PER_KPA : 1)) / shown / 255;
  if (canvas.width !== cols || canvas.height !== rows) Object.assign(canvas, { width: cols, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  for (let cell = 0; cell < bytes.length; cell += 1) {
    const at = 3 * brightness(bytes.charCodeAt(cell) * share);
    image.data.set([MAGMA[at], MAGMA[at + 1], MAGMA[at + 2], 255], 4 * cell);
  }
  context.putImageData(image, 0, 0);
}

export function wipe(canvas) {
  if (canvas.width !== 1 || canvas.height !== 1) Object.assign(canvas, { width: 1, height: 1 });
  else canvas.getContext("2d").clearRect(0, 0, 1, 1);
}

export class PressureMap {
  constructor() {
    [this.cells, this.skeleton, this.sheet, this.legend] = ["cells", "skeleton", "sheet", "legend"].map(byId);
    const bar = byId("legend-bar").getContext("2d");
    const image = bar.createImageData(256, 1);
    for (let x = 0; x < 256; x += 1) image.data.set([...MAGMA.subarray(3 * x, 3 * x + 3), 255], 4 * x);
    bar.putImageData(image, 0, 0);
  }

  draw({ mat, pressure, keypoints, unit }) {
    byId("map").style.setProperty("--shape", String(shapeOf(mat)));
    show(this.sheet, true);
    show(this.legend, true);
    paint(this.cells, pressure, unit);
    this.cells.setAttribute("aria-label", "Pressure map seen from above, the head edge at the top");
    const scale = fullScale(pressure, unit);
    const calibrated = unit === "kPa";
    write(byId("legend-low"), "0");
    write(byId("legend-middle"), calibrated ? `${Number((scale / 4).toPrecision(3))}` : "");
    write(byId("legend-high"), calibrated ? `${scale} mmHg` : "uncalibrated");
    this.skeleton.setAttribute("viewBox", `0 0 ${mat.cols * (mat.pitch_x_m ?? 1)} ${mat.rows * (mat.pitch_y_m ?? 1)}`);
    this.skeleton.replaceChildren(...skeletonOf(keypoints ?? []));
  }

  /** Nothing of the last person stays, neither drawn nor for a reader of the page. */
  wipe() {
    wipe(this.cells);
    this.cells.removeAttribute("aria-label");
    this.skeleton.replaceChildren();
    show(this.sheet, false);
    show(this.legend, false);
  }
}

function skeletonOf(keypoints) {
  const found = new Map(keypoints.filter(({ x_m, y_m }) => x_m !== null && y_m !== null).map((joint) => [joint.name, joint]));
  const limbs = LIMBS.filter(([one, other]) => found.has(one) && found.has(other)).flatMap(([one, other]) => {
    const [a, b] = [found.get(one), found.get(other)];
    const line = { x1: a.x_m, y1: a.y_m, x2: b.x_m, y2: b.y_m, opacity: faint(Math.min(a.confidence, b.confidence)) };
    return [svg("line", { ...line, class: "halo" }), svg("line", { ...line, class: `limb ${sideOf(one, other)}` })];
  });
  return [...limbs, ...[...found.values()].map(jointOf)];
}

/** The left's joints are round and the right's square; one that presses on the mat is full, another one hollow. */
function jointOf({ name, x_m, y_m, confidence, contact }) {
  const side = sideOf(name);
  const kind = `joint ${side}${(contact ?? 0) >= 0.5 ? " contact" : ""}`;
  const shape = side === "right"
    ? svg("rect", { x: x_m - JOINT_M * 0.9, y: y_m - JOINT_M * 0.9, width: JOINT_M * 1.8, height: JOINT_M * 1.8, class: kind })
    : svg("circle", { cx: x_m, cy: y_m, r: JOINT_M, class: kind });
  const group = svg("g", { opacity: faint(confidence), "data-joint": name }, shape);
  if (LETTERED.some((part) => name.endsWith(part))) {
    const letter = svg("text", { x: x_m + (side === "left" ? 1 : -1) * JOINT_M * 2.4, y: y_m, class: `letter ${side}` });
    letter.textContent = side === "left" ? "L" : "R";
    group.append(letter);
  }
  return group;
}

/** The side that the names share; a line to the midline is its side's. */
function sideOf(...names) {
  const sides = new Set(names.map((name) => name.split("_")[0]).filter((side) => side === "left" || side === "right"));
  return sides.size === 1 ? [...sides][0] : "middle";
}

const faint = (confidence) => Math.min(Math.max(confidence ?? 0, 0.12), 1).toFixed(2);
