// The shapes that are drawn, and what was drawn before each step.

/** Fewest corners a shape of a kind needs. */
export const LEAST = { zone: 3, line: 2, motion: 3, privacy: 3 };
const MOST = 64;
const WORDS = { zone: "Zone", line: "Line", motion: "Motion mask", privacy: "Privacy mask" };

export class Shapes {
  #past = [];
  #future = [];
  #listeners = [];

  constructor(plan) {
    const rules = (kind, list) => list.map((rule) => ({ direction: "both", ...rule, kind }));
    const masks = (kind, list) => list.map((points) => ({ kind, points, name: "", origin: "", labels: [], direction: "both" }));
    this.all = [
      ...rules("zone", plan.zones),
      ...rules("line", plan.lines),
      ...masks("motion", plan.motion_masks),
      ...masks("privacy", plan.privacy_masks),
    ];
    this.chosen = -1;
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Take a step that can be undone; steps of the same `name` in a row are one. */
  change(step, name = null) {
    const before = structuredClone(this.all);
    step(this.all);
    if (name === null || this.#past.at(-1)?.name !== name) this.#past.push({ all: before, name });
    this.#future = [];
    this.tell();
  }

  undo() {
    this.#go(this.#past, this.#future);
  }

  redo() {
    this.#go(this.#future, this.#past);
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  choose(index) {
    this.chosen = index;
    this.tell();
  }

  add(kind, points) {
    const shape = { kind, points, name: "", origin: "", labels: [], direction: "both" };
    if (kind === "zone" || kind === "line") shape.name = this.#freeName(kind);
    this.change((all) => all.push(shape));
    this.choose(this.all.length - 1);
  }

  remove(index) {
    this.chosen = -1;
    this.change((all) => all.splice(index, 1));
  }

  /** Move a corner; all moves of one drag are one step. */
  move(index, corner, point, drag) {
    this.change((all) => { all[index].points[corner] = point; }, drag);
  }

  insert(index, corner, point) {
    if (this.all[index].points.length < MOST) this.change((all) => all[index].points.splice(corner, 0, point));
  }

  /** Take a corner away; a shape that would have too few goes as a whole. */
  cut(index, corner) {
    if (this.all[index].points.length <= LEAST[this.all[index].kind]) this.remove(index);
    else this.change((all) => all[index].points.splice(corner, 1));
  }

  /** Return what people call a shape. */
  title(index) {
    const { kind, name } = this.all[index];
    const same = this.all.slice(0, index + 1).filter((shape) => shape.kind === kind).length;
    return name ? `${WORDS[kind]} ${name}` : `${WORDS[kind]} ${same}`;
  }

  /** Return the plan as the server takes it. */
  plan() {
    const of = (kind) => this.all.filter((shape) => shape.kind === kind);
    const rule = ({ name, origin, points, labels }) => ({ name, origin, points, labels });
    return {
      zones: of("zone").map(rule),
      lines: of("line").map((line) => ({ ...rule(line), direction: line.direction })),
      motion_masks: of("motion").map((mask) => mask.points),
      privacy_masks: of("privacy").map((mask) => mask.points),
    };
  }

  tell() {
    for (const listener of this.#listeners) listener();
  }

  #go(from, to) {
    const step = from.pop();
    if (!step) return;
    to.push({ all: this.all, name: null });
    this.all = step.all;
    if (this.chosen >= this.all.length) this.chosen = -1;
    this.tell();
  }

  #freeName(kind) {
    const taken = new Set(this.all.filter((shape) => shape.kind === kind).map((shape) => shape.name));
    let number = 1;
    while (taken.has(`${kind}-${number}`)) number += 1;
    return `${kind}-${number}`;
  }
}
