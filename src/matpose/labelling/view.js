// What is drawn: pressure in colours, grid, skeleton, points. Places are metres in the mat's frame throughout.

const POINT_PX = 7;
const LARGEST_PX = 1.5e6; // of the smoothed picture

export class View {
  smooth = true;
  root = true;
  grid = false;

  constructor(canvas, session) {
    this.canvas = canvas;
    this.session = session;
    this.pen = canvas.getContext("2d");
  }

  show(map, cells) {
    this.map = map;
    this.cells = cells;
    this.paint();
    this.fit();
  }

  // The whole mat with its surroundings.
  fit() {
    this.zoom = 1;
    this.centre = [this.map.width_m / 2, this.map.height_m / 2];
  }

  zoomBy(factor, atPx = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]) {
    const held = this.toMetres(atPx);
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), 12);
    const now = this.toMetres(atPx);
    this.shift(held[0] - now[0], held[1] - now[1]);
  }

  shift(x, y) {
    const edges = [this.map.width_m, this.map.height_m];
    this.centre = this.centre.map((value, axis) => Math.min(Math.max(value + [x, y][axis], 0), edges[axis]));
    if (this.zoom === 1) this.fit();
  }

  get pxPerMetre() {
    const around = 2 * this.session.margin_m;
    const { clientWidth, clientHeight } = this.canvas;
    return this.zoom * Math.min(clientWidth / (this.map.width_m + around), clientHeight / (this.map.height_m + around));
  }

  toPx([x, y]) {
    const scale = this.pxPerMetre;
    return [(x - this.centre[0]) * scale + this.canvas.clientWidth / 2, (y - this.centre[1]) * scale + this.canvas.clientHeight / 2];
  }

  toMetres([x, y]) {
    const scale = this.pxPerMetre;
    return [(x - this.canvas.clientWidth / 2) / scale + this.centre[0], (y - this.canvas.clientHeight / 2) / scale + this.centre[1]];
  }

  within([x, y]) {
    const { margin_m: margin } = this.session;
    return x >= -margin && y >= -margin && x <= this.map.width_m + margin && y <= this.map.height_m + margin;
  }

  // Share of the full scale in the cell at a place; 0 beside the mat and where there is no reading.
  load([x, y]) {
    const { rows, cols, width_m, height_m, full_scale } = this.map;
    const row = Math.floor((y / height_m) * rows), col = Math.floor((x / width_m) * cols);
    if (row < 0 || col < 0 || row >= rows || col >= cols) return 0;
    return Math.max(this.cells[row * cols + col] / full_scale, 0) || 0;
  }

  // The name of the point at a place of the canvas, the nearest one first.
  pointAt(atPx, marks, reachPx) {
    let nearest = null;
    for (const [name, mark] of Object.entries(marks)) {
      const [x, y] = this.toPx([mark.x_m, mark.y_m]);
      const away = Math.hypot(x - atPx[0], y - atPx[1]);
      if (away < reachPx) [nearest, reachPx] = [name, away];
    }
    return nearest;
  }

  // Colours of the cells, once for every map and choice of drawing.
  paint() {
    const { rows, cols, full_scale } = this.map;
    const shade = Float32Array.from(this.cells, (value) => {
      const share = Math.min(Math.max(value / full_scale, 0), 1);
      return this.root ? Math.sqrt(share) : share;
    });
    const factor = this.smooth ? Math.max(Math.min(10, Math.floor(Math.sqrt(LARGEST_PX / (rows * cols)))), 1) : 1;
    const [height, width] = [rows * factor, cols * factor];
    const values = factor > 1 ? enlarged(shade.map((value) => value || 0), rows, cols, factor) : shade;
    const image = new ImageData(width, height);
    for (let row = 0, at = 0; row < height; row++) {
      for (let col = 0; col < width; col++, at++) {
        const missing = Number.isNaN(this.cells[Math.floor(row / factor) * cols + Math.floor(col / factor)]);
        const colour = missing ? this.session.missing_rgb
          : this.session.pressure_rgb[Math.round(255 * Math.min(Math.max(values[at], 0), 1))];
        image.data.set(colour, 4 * at);
        image.data[4 * at + 3] = 255;
      }
    }
    this.picture = document.createElement("canvas");
    [this.picture.width, this.picture.height] = [width, height];
    this.picture.getContext("2d").putImageData(image, 0, 0);
  }

  draw(marks, current, hovered) {
    const { pen, canvas } = this;
    const dense = window.devicePixelRatio || 1;
    const size = [Math.round(canvas.clientWidth * dense), Math.round(canvas.clientHeight * dense)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.fillStyle = "#262a2f"; // beside the mat: nothing that pressure looks like
    pen.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const [left, top] = this.toPx([0, 0]);
    const scale = this.pxPerMetre;
    pen.imageSmoothingEnabled = this.smooth;
    pen.drawImage(this.picture, left, top, this.map.width_m * scale, this.map.height_m * scale);
    if (this.grid) this.drawGrid(left, top, scale);
    this.drawBones(marks);
    for (const [name, mark] of Object.entries(marks)) this.drawPoint(name, mark, name === current);
    for (const name of new Set([current, hovered])) if (marks[name]) this.drawName(name, marks[name]);
  }

  drawGrid(left, top, scale) {
    const { pen } = this;
    const [width, height] = [this.map.width_m * scale, this.map.height_m * scale];
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = "#fff";
    pen.lineWidth = 1;
    const lines = (length_m, line, text) => {
      for (let step = 0; step <= length_m * 10 + 1e-6; step++) {
        pen.strokeStyle = step % 5 ? "rgb(255 255 255 / 0.16)" : "rgb(255 255 255 / 0.45)";
        pen.beginPath();
        line(Math.round((step / 10) * scale) + 0.5);
        pen.stroke();
        if (step && step % 5 === 0) text(`${step * 10}`, (step / 10) * scale);
      }
    };
    lines(this.map.width_m, (x) => { pen.moveTo(left + x, top); pen.lineTo(left + x, top + height); },
      (said, x) => { pen.textAlign = "center"; pen.fillText(said, left + x, top - 5); });
    lines(this.map.height_m, (y) => { pen.moveTo(left, top + y); pen.lineTo(left + width, top + y); },
      (said, y) => { pen.textAlign = "right"; pen.fillText(said, left - 5, top + y + 4); });
  }

  drawBones(marks) {
    for (const bone of this.session.bones) {
      const ends = boneEnds(bone, marks);
      if (!ends) continue;
      for (const [width, colour] of [[5, "rgb(0 0 0 / 0.6)"], [2.5, this.colour(bone.side)]]) {
        this.pen.lineWidth = width;
        this.pen.strokeStyle = colour;
        this.pen.beginPath();
        ends.forEach((end) => this.pen.lineTo(...this.toPx(end)));
        this.pen.stroke();
      }
    }
  }

  // Filled where the contact is seen, half where inferred, a dotted ring where guessed; landmarks are squares.
  drawPoint(name, mark, current) {
    const { pen } = this;
    const [x, y] = this.toPx([mark.x_m, mark.y_m]);
    const outline = (radius) => {
      pen.beginPath();
      if (name.startsWith("contact:")) pen.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      else pen.arc(x, y, radius, 0, 2 * Math.PI);
    };
    const colour = this.colour(side(name));
    pen.fillStyle = "rgb(0 0 0 / 0.65)";
    outline(POINT_PX + 2);
    pen.fill();
    pen.save();
    outline(POINT_PX - 1);
    pen.clip();
    pen.fillStyle = colour;
    pen.fillRect(x - POINT_PX, y - POINT_PX, [0, POINT_PX, 2 * POINT_PX][mark.visibility], 2 * POINT_PX);
    pen.restore();
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash(mark.visibility ? [] : [2, 3]);
    outline(POINT_PX - 1);
    pen.stroke();
    pen.setLineDash([]);
    if (!current) return;
    pen.strokeStyle = "#fff";
    outline(POINT_PX + 5);
    pen.stroke();
  }

  drawName(name, mark) {
    const { pen } = this;
    const said = spoken(name);
    const [x, y] = this.toPx([mark.x_m, mark.y_m]);
    pen.font = "600 12px system-ui, sans-serif";
    pen.textAlign = "center";
    const half = pen.measureText(said).width / 2 + 4;
    const at = Math.min(Math.max(x, half), this.canvas.clientWidth - half);
    const above = y > 40 ? y - 24 : y + 24; // beside it is where its neighbours are
    pen.fillStyle = "rgb(0 0 0 / 0.75)";
    pen.fillRect(at - half, above - 10, 2 * half, 19);
    pen.fillStyle = "#fff";
    pen.fillText(said, at, above + 4);
  }

  colour(which) {
    return `rgb(${this.session.side_rgb[which].join(" ")})`;
  }
}

export function side(name) {
  return /(^|:)left_/.test(name) ? "left" : /(^|:)right_/.test(name) ? "right" : "middle";
}

export function spoken(name) {
  return name.replace("contact:", "").replace("_", " ");
}

// Where a bone begins and ends, or null while one of its joints is not placed.
export function boneEnds(bone, marks) {
  const ends = [bone.start, bone.stop].map((names) => {
    const found = names.map((name) => marks[name]);
    if (found.some((mark) => !mark)) return null;
    return ["x_m", "y_m"].map((axis) => found.reduce((sum, mark) => sum + mark[axis], 0) / found.length);
  });
  return ends.every(Boolean) ? ends : null;
}

// Catmull-Rom along rows, then columns: values of the cells are kept at their centres.
function enlarged(values, rows, cols, factor) {
  const wide = stretched(values, rows, cols, factor, cols, 1, cols * factor, 1);
  return stretched(wide, cols * factor, rows, factor, 1, cols * factor, 1, cols * factor);
}

// `lines` series of `length` samples each; the steps say how far lines and samples are apart, before and after.
function stretched(from, lines, length, factor, lineStep, step, newLineStep, newStep) {
  const to = new Float32Array(lines * length * factor);
  for (let out = 0; out < length * factor; out++) {
    const at = (out + 0.5) / factor - 0.5, before = Math.floor(at), t = at - before;
    const weights = [
      ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2, (t - 1) * t * t / 2,
    ];
    const taken = weights.map((_, k) => Math.min(Math.max(before - 1 + k, 0), length - 1) * step);
    for (let line = 0; line < lines; line++) {
      const start = line * lineStep;
      to[line * newLineStep + out * newStep] = weights[0] * from[start + taken[0]] + weights[1] * from[start + taken[1]]
        + weights[2] * from[start + taken[2]] + weights[3] * from[start + taken[3]];
    }
  }
  return to;
}
