// The three filters. The address keeps them, so that a reload or a link shows the same.

import { byId, h } from "./dom.js";
import { capital } from "./format.js";
import { STREAM_KINDS } from "./objects.js";
import { KIND_CHOICES, kindsOf } from "./words.js";

const NEEDED = ["object.started", "object.ended", ...STREAM_KINDS];
const known = { camera: new Set(), label: new Set() };
const form = byId("filters");
const clear = form.querySelector("[type=reset]");

/** What is chosen now. */
export const chosen = () => ({
  camera: form.elements.camera.value,
  label: form.elements.label.value,
  kinds: kindsOf(form.elements.kind.value),
  countsObjects: !form.elements.kind.value || ["happenings", "objects"].includes(form.elements.kind.value),
});

/** Return whether any filter is set. */
export const isFiltered = () => Boolean(form.elements.camera.value || form.elements.label.value || form.elements.kind.value !== KIND_CHOICES[0][0]);

/** Return the query for events; those that tell what is in view, and its picture, come along always. */
export function eventQuery(limit) {
  const { camera, label, kinds } = chosen();
  const query = new URLSearchParams({ limit });
  if (camera) query.set("camera", camera);
  if (label) query.set("label", label);
  for (const kind of new Set([...kinds, ...NEEDED])) query.append("kind", kind);
  return query;
}

/** Return the query for the chart: objects, or the events of the chosen kinds. */
export function countQuery() {
  const { camera, label, kinds, countsObjects } = chosen();
  const query = new URLSearchParams({ hours: 24 });
  if (camera) query.set("camera", camera);
  if (label) query.set("label", label);
  for (const kind of countsObjects ? ["object.started"] : kinds) query.append("kind", kind);
  return query;
}

/** Return whether the chosen kinds include that of the event. */
export const isShown = (event) => chosen().kinds.includes(event.kind);

/** Offer more cameras or labels; what is chosen stays chosen. */
export function offer(filter, values) {
  const select = form.elements[filter];
  const before = known[filter].size;
  for (const value of values) known[filter].add(value);
  if (known[filter].size === before) return;
  const selected = select.value;
  const options = [...known[filter]].sort().map((value) => h("option", { value }, filter === "label" ? capital(value) : value));
  select.replaceChildren(select.options[0], ...options);
  select.value = selected;
}

/** Undo all filters. */
export function clearFilters() {
  form.reset();
}

/** Call `onChange` whenever another filter is chosen; start with what the address says. */
export function startFilters(onChange) {
  form.elements.kind.append(...KIND_CHOICES.map(([value, text]) => h("option", { value }, text)));
  readAddress();
  form.addEventListener("change", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());

  function changed() {
    writeAddress();
    onChange();
  }
}

function readAddress() {
  const query = new URLSearchParams(location.search);
  for (const filter of ["camera", "label"]) {
    if (!query.get(filter)) continue;
    offer(filter, [query.get(filter)]);
    form.elements[filter].value = query.get(filter);
  }
  if (KIND_CHOICES.some(([value]) => value === query.get("kind"))) form.elements.kind.value = query.get("kind");
  clear.hidden = !isFiltered();
}

function writeAddress() {
  const query = new URLSearchParams();
  for (const filter of ["camera", "label", "kind"]) {
    const value = form.elements[filter].value;
    if (value && value !== KIND_CHOICES[0][0]) query.set(filter, value);
  }
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  clear.hidden = !isFiltered();
}
