// The list of what is drawn: names, labels, directions.

import { byId, h } from "./dom.js";

const DIRECTIONS = { both: "in and out", in: "only in", out: "only out" };

export class Panel {
  #shapes;
  #labels;
  #list = byId("shapes");

  constructor(shapes, labels) {
    this.#shapes = shapes;
    this.#labels = labels;
    shapes.onChange(() => this.draw());
    this.draw();
  }

  draw() {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    const [key, caret] = [focused?.dataset.key, focused?.selectionStart ?? null];
    this.#list.replaceChildren(...this.#shapes.all.map((shape, index) => this.#item(shape, index)));
    byId("empty").hidden = this.#shapes.all.length > 0;
    if (!key) return;
    const again = this.#list.querySelector(`[data-key="${CSS.escape(key)}"]`);
    again?.focus();
    if (caret !== null) again?.setSelectionRange?.(caret, caret);
  }

  #item(shape, index) {
    const isRule = shape.kind === "zone" || shape.kind === "line";
    const title = this.#shapes.title(index);
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Remove ${title}`, on: { click: () => this.#shapes.remove(index) } }, "Remove");
    const choose = h("button", { type: "button", class: "quiet", "aria-expanded": String(index === this.#shapes.chosen), "data-key": `choose ${index}`, "aria-label": `Change ${title}`, on: { click: () => this.#shapes.choose(index === this.#shapes.chosen ? -1 : index) } }, "Change");
    const head = h("div", { class: "row" }, h("span", { class: `mark ${shape.kind}` }), isRule ? this.#name(shape, index) : h("b", {}, title), h("span", { class: "space" }), choose, remove);
    if (index === this.#shapes.chosen) return h("li", { class: "chosen" }, head, ...(isRule ? [this.#details(shape, index)] : []));
    return h("li", {}, head, h("p", { class: "note summary" }, this.#summary(shape)));
  }

  #name(shape, index) {
    const input = h("input", {
      type: "text", "aria-label": `Name of the ${shape.kind}`, maxlength: "40", spellcheck: "false", autocapitalize: "none", autocomplete: "off", "data-key": `name ${index}`,
      on: {
        input: ({ target }) => this.#shapes.change((all) => { all[index].name = target.value; }, `name ${index}`),
      },
    });
    input.value = shape.name;
    return input;
  }

  #summary({ kind, labels, direction }) {
    if (kind === "motion") return "Motion in it is ignored";
    if (kind === "privacy") return "No image that leaves the box shows it";
    const whom = labels.length ? labels.join(", ") : "every object";
    return kind === "line" ? `${whom}, ${DIRECTIONS[direction]}` : whom;
  }

  #details(shape, index) {
    const labels = this.#labels.map((label) => {
      const box = h("input", {
        type: "checkbox", "data-key": `label ${index} ${label}`,
        on: { change: ({ target }) => this.#shapes.change((all) => { all[index].labels = this.#chosenLabels(all[index], label, target.checked); }) },
      });
      box.checked = shape.labels.includes(label);
      return h("label", { class: "chip" }, box, label);
    });
    const rows = [h("fieldset", {}, h("legend", {}, shape.labels.length ? "Counts only" : "Counts every object; or only"), ...labels)];
    if (shape.kind === "line") rows.push(this.#direction(shape, index));
    return h("div", { class: "details" }, ...rows);
  }

  #direction(shape, index) {
    const options = Object.entries(DIRECTIONS).map(([value, text]) => h("option", { value, selected: value === shape.direction }, text));
    const choose = ({ target }) => this.#shapes.change((all) => { all[index].direction = target.value; });
    const turn = () => this.#shapes.change((all) => all[index].points.reverse());
    return h("div", { class: "row" },
      h("label", { class: "row" }, "Tells", h("select", { "data-key": `direction ${index}`, on: { change: choose } }, ...options)),
      h("button", { type: "button", class: "quiet", "data-key": `turn ${index}`, on: { click: turn } }, "Swap sides"));
  }

  #chosenLabels(shape, label, isChosen) {
    const known = [...this.#labels, ...shape.labels.filter((one) => !this.#labels.includes(one))];
    return known.filter((one) => (one === label ? isChosen : shape.labels.includes(one)));
  }
}
