// The picture that is drawn on: corners by pointer or by keys.

import { svg } from "./dom.js";
import { LEAST } from "./shapes.js";

const NEAR_PX = 16;
const STEP = 0.01;
const FINE = 0.002;
const MIN_UNIT = 1.6;

const clamp = (value) => Math.min(Math.max(value, 0), 1);
const rounded = ([x, y]) => [Number(clamp(x).toFixed(4)), Number(clamp(y).toFixed(4))];

export class Stage {
  #root;
  #shapes;
  #size;
  #tool = null;
  #draft = [];
  #cross = null;
  #drag = null;
  #drags = 0;
  #tell;

  /** `tell` is called with what the person can do now, whenever that changes. */
  constructor(root, shapes, size, tell) {
    this.#root = root;
    this.#shapes = shapes;
    this.#size = size;
    this.#tell = tell;
    root.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    root.addEventListener("pointerdown", (event) => this.#press(event));
    root.addEventListener("pointermove", (event) => this.#hover(event));
    root.addEventListener("pointerup", (event) => this.#release(event));
    root.addEventListener("pointercancel", () => { this.#drag = null; });
    root.addEventListener("dblclick", () => this.finish());
    root.addEventListener("keydown", (event) => this.#key(event));
    shapes.onChange(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(root);
  }

  /** Whether a shape is being drawn that has corners already. */
  get isDrafting() {
    return this.#draft.length > 0;
  }

  get tool() {
    return this.#tool;
  }

  /** Begin to draw a kind of shape; null ends it. */
  take(tool) {
    this.#tool = tool;
    this.#draft = [];
    this.#cross = null;
    if (tool) this.#shapes.chosen = -1;
    this.draw();
  }

  /** Close the shape that is being drawn, if it has corners enough. */
  finish() {
    if (!this.#tool || this.#draft.length < LEAST[this.#tool]) return;
    const [kind, points] = [this.#tool, this.#draft];
    this.take(null);
    this.#shapes.add(kind, points);
  }

  /** Take back the last corner of the shape that is being drawn; return whether there was one. */
  takeBack() {
    if (!this.#draft.length) return false;
    this.#draft.pop();
    this.draw();
    return true;
  }

  draw() {
    const focused = this.#root.contains(document.activeElement) ? document.activeElement.dataset?.key : null;
    const children = this.#shapes.all.flatMap((shape, index) => this.#shape(shape, index));
    if (this.#shapes.chosen >= 0) children.push(...this.#handles(this.#shapes.chosen));
    children.push(...this.#sketch());
    this.#root.replaceChildren(...children);
    if (focused) this.#root.querySelector(`[data-key="${focused}"]`)?.focus();
    this.#root.classList.toggle("drawing", this.#tool !== null);
    this.#tell(this.#hint());
  }

  // Pictures

  /** Return how many units of the drawing a pixel of the screen is. */
  get #unit() {
    return this.#size.width / Math.max(this.#root.clientWidth, 1);
  }

  #at([x, y]) {
    return [x * this.#size.width, y * this.#size.height];
  }

  #outline(points) {
    return points.map((point) => this.#at(point).map((value) => value.toFixed(1)).join(",")).join(" ");
  }

  #shape(shape, index) {
    const kind = `shape ${shape.kind}${index === this.#shapes.chosen ? " chosen" : ""}`;
    const parts = shape.kind === "line" ? this.#line(shape) : [svg("polygon", { points: this.#outline(shape.points) })];
    const title = this.#shapes.title(index).replace(/^(Zone|Line) /, "");
    const [mx, my] = this.#middle(shape.points);
    const room = (title.length * 4.6 + 6) * this.#unit; // about half of the text
    const x = Math.max(Math.min(mx, this.#size.width - room), room);
    const y = Math.max(Math.min(my, this.#size.height - 6 * this.#unit), 30 * this.#unit);
    const label = svg("text", { x, y, "font-size": 14 * this.#unit, "text-anchor": "middle", "stroke-width": 4 * this.#unit });
    label.textContent = title;
    if (shape.kind === "line") label.setAttribute("dy", -12 * this.#unit);
    const choose = (event) => {
      if (this.#tool) return;
      event.stopPropagation();
      this.#shapes.choose(index);
    };
    return [svg("g", { class: kind, "stroke-width": 2 * this.#unit, on: { pointerdown: choose } }, ...parts, label)];
  }

  #line({ points, direction }) {
    const [[x1, y1], [x2, y2]] = points.map((point) => this.#at(point));
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [rx, ry] = [-(y2 - y1) / length, (x2 - x1) / length]; // right of the line, as y points down
    const [mx, my, reach] = [(x1 + x2) / 2, (y1 + y2) / 2, 34 * this.#unit];
    const parts = [svg("line", { x1, y1, x2, y2, class: "reach", "stroke-width": 18 * this.#unit }), svg("line", { x1, y1, x2, y2 })];
    for (const [word, sign] of [["in", 1], ["out", -1]]) {
      const counted = direction === "both" || direction === word;
      const [tx, ty] = [mx + sign * rx * reach, my + sign * ry * reach];
      const head = 9 * this.#unit;
      const corner = (along, across) => `${tx + sign * rx * along - ry * across},${ty + sign * ry * along + rx * across}`;
      const side = svg("text", { x: tx + sign * rx * 20 * this.#unit, y: ty + sign * ry * 20 * this.#unit + 5 * this.#unit, "font-size": 13 * this.#unit, "text-anchor": "middle", "stroke-width": 4 * this.#unit });
      side.textContent = word;
      parts.push(
        svg("g", { class: counted ? "side" : "side silent" },
          svg("line", { x1: mx, y1: my, x2: tx, y2: ty }),
          svg("polygon", { class: "head", points: [corner(head, 0), corner(0, head * 0.6), corner(0, -head * 0.6)].join(" ") }),
          side),
      );
    }
    return parts;
  }

  #middle(points) {
    const xs = points.map(([x]) => x * this.#size.width);
    const ys = points.map(([, y]) => y * this.#size.height);
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return points.length === 2 ? [xs[0], ys[0]] : [mean(xs), mean(ys)];
  }

  #handles(index) {
    const shape = this.#shapes.all[index];
    const between = shape.kind === "line" ? [] : shape.points.map((point, corner) => {
      const next = shape.points[(corner + 1) % shape.points.length];
      const [cx, cy] = this.#at([(point[0] + next[0]) / 2, (point[1] + next[1]) / 2]);
      const add = (event) => {
        event.stopPropagation();
        this.#shapes.insert(index, corner + 1, this.#point(event));
        this.#grab(event, index, corner + 1);
      };
      return svg("circle", { class: "between", cx, cy, r: 6 * this.#unit, "stroke-width": MIN_UNIT * this.#unit, on: { pointerdown: add } });
    });
    const corners = shape.points.map((point, corner) => {
      const [cx, cy] = this.#at(point);
      const grab = (event) => {
        event.stopPropagation();
        this.#grab(event, index, corner);
      };
      const handle = svg("circle", { class: "handle", cx, cy, r: 8 * this.#unit, "stroke-width": 2 * this.#unit });
      const reach = svg("circle", { class: "touch", cx, cy, r: 18 * this.#unit });
      return svg("g", {
        tabindex: "0", role: "button", "data-key": `${index}-${corner}`, class: "corner",
        "aria-label": `Corner ${corner + 1} of ${this.#shapes.title(index)}; arrow keys move it, plus adds one after it, delete removes it`,
        on: { pointerdown: grab, keydown: (event) => this.#cornerKey(event, index, corner) },
      }, reach, handle);
    });
    return [...between, ...corners];
  }

  #sketch() {
    const parts = [];
    if (this.#tool && this.#draft.length) {
      const loose = this.#cross ? [...this.#draft, this.#cross] : this.#draft;
      parts.push(svg("polyline", { class: `sketch ${this.#tool}`, points: this.#outline(loose), "stroke-width": 2 * this.#unit, "stroke-dasharray": `${6 * this.#unit}` }));
      this.#draft.forEach((point, corner) => {
        const [cx, cy] = this.#at(point);
        parts.push(svg("circle", { class: corner === 0 ? "handle first" : "handle", cx, cy, r: 7 * this.#unit, "stroke-width": 2 * this.#unit }));
      });
    }
    if (this.#tool && this.#cross) {
      const [[x, y], size] = [this.#at(this.#cross), 14 * this.#unit];
      parts.push(svg("path", { class: "cross", d: `M${x - size} ${y}H${x + size}M${x} ${y - size}V${y + size}`, "stroke-width": 1.5 * this.#unit }));
    }
    return parts;
  }

  #hint() {
    if (!this.#tool) {
      return this.#shapes.chosen >= 0
        ? "Drag a corner to move it, a small dot to add one. Or choose a corner with Tab: arrow keys move it, + adds one, Delete removes it."
        : "Choose what to draw, or click what is there to change it.";
    }
    const missing = LEAST[this.#tool] - this.#draft.length;
    if (this.#tool === "line") return missing === 2 ? "Click where the line begins." : "Click where it ends. Right of it, seen from its beginning, is “in”.";
    if (missing > 0) return `Click ${missing === 3 ? "the first corner" : "the next corner"}. Escape gives up, Backspace takes a corner back.`;
    return "Click the next corner, or the first one to finish (Enter does too).";
  }

  // Pointer

  #point(event) {
    const box = this.#root.getBoundingClientRect();
    return rounded([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }

  #press(event) {
    if (event.button !== 0) return;
    if (!this.#tool) {
      this.#shapes.choose(-1);
      return;
    }
    this.#set(this.#point(event));
  }

  #grab(event, index, corner) {
    if (this.#tool) return;
    this.#drags += 1;
    this.#drag = { index, corner, name: `drag ${this.#drags}` };
    this.#root.setPointerCapture(event.pointerId);
  }

  #hover(event) {
    if (this.#drag) {
      this.#shapes.move(this.#drag.index, this.#drag.corner, this.#point(event), this.#drag.name);
    } else if (this.#tool && event.pointerType === "mouse") {
      this.#cross = this.#point(event);
      this.draw();
    }
  }

  #release() {
    this.#drag = null;
  }

  /** Put a corner; the second of a line, or one on the first of an area, finishes. */
  #set(point) {
    const first = this.#draft[0];
    if (first && this.#draft.length >= LEAST[this.#tool] && this.#apart(first, point) < NEAR_PX) {
      this.finish();
      return;
    }
    if (this.#draft.length && this.#apart(this.#draft.at(-1), point) < 3) return; // the second half of a double click
    this.#draft.push(point);
    if (this.#tool === "line" && this.#draft.length === 2) this.finish();
    else this.draw();
  }

  #apart(one, other) {
    const [[x1, y1], [x2, y2]] = [this.#at(one), this.#at(other)];
    return Math.hypot(x2 - x1, y2 - y1) / this.#unit;
  }

  // Keys

  #key(event) {
    const step = arrow(event);
    if (this.#tool && step) {
      const [x, y] = this.#cross ?? [0.5, 0.5];
      this.#cross = rounded([x + step[0], y + step[1]]);
      this.draw();
    } else if (this.#tool && event.key === " ") this.#set(this.#cross ?? [0.5, 0.5]);
    else if (this.#tool && event.key === "Enter") this.finish();
    else if (this.#tool && event.key === "Backspace") this.takeBack();
    else if (this.#tool && event.key === "Escape") this.take(null);
    else return;
    event.preventDefault();
  }

  #cornerKey(event, index, corner) {
    const step = arrow(event);
    if (step) {
      const [x, y] = this.#shapes.all[index].points[corner];
      this.#shapes.move(index, corner, rounded([x + step[0], y + step[1]]), `keys ${index} ${corner}`);
    } else if (event.key === "+" || event.key === "Insert") {
      const { points } = this.#shapes.all[index];
      const next = points[(corner + 1) % points.length];
      if (points.length > 2) this.#shapes.insert(index, corner + 1, rounded([(points[corner][0] + next[0]) / 2, (points[corner][1] + next[1]) / 2]));
    } else if (event.key === "Delete" || event.key === "Backspace") this.#shapes.cut(index, corner);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Return the step of an arrow key, null for any other; with Shift it is a fine one. */
function arrow({ key, shiftKey }) {
  const size = shiftKey ? FINE : STEP;
  return { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, -size], ArrowDown: [0, size] }[key] ?? null;
}
