// The list of events and the strip of latest objects.

import { byId, h, picture, setText } from "./dom.js";
import { capital, duration, moment, timeElement } from "./format.js";
import { icon } from "./icons.js";
import { iconOf, plainSentence, sentence } from "./words.js";

const LATEST = 12;
const list = byId("list");
const latest = byId("latest");
const rows = new Map();
const cards = new Map();

/**
 * Show these events, newest first, and the latest objects.
 * @param {Array} events newest first
 * @param {{byEvent: Map, objects: Array}} book
 * @param {Set} fresh ids that have just come
 * @param {function} onOpen called with an event that the reader wants to see in full
 */
export function showEvents(events, book, fresh, onOpen) {
  const wanted = new Set(events.map((event) => event.id));
  for (const [id, row] of rows) {
    if (wanted.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  let place = list.firstElementChild;
  for (const event of events) {
    const row = rows.get(event.id) ?? addRow(event, fresh.has(event.id), onOpen);
    updatePicture(row, event, book.byEvent.get(event.id));
    if (row.element === place) place = place.nextElementSibling;
    else list.insertBefore(row.element, place);
  }
}

/** Show the objects that have a picture, newest first; nothing is in view on a node that is not online. */
export function showLatest(objects, nodesAway, onOpen) {
  const shown = objects.filter((object) => object.thumbnail).slice(0, LATEST);
  latest.closest("section").hidden = shown.length === 0;
  const wanted = new Set(shown.map((object) => object.id));
  for (const [id, card] of cards) {
    if (wanted.has(id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  let place = latest.firstElementChild;
  for (const object of shown) {
    const card = cards.get(object.id) ?? addCard(object, onOpen);
    updateCard(card, object, !object.ended && !object.lost && !nodesAway.has(object.event.node));
    if (card.element === place) place = place.nextElementSibling;
    else latest.insertBefore(card.element, place);
  }
}

const trackOf = (event) => event.subject.split("/").pop();

function addRow(event, isFresh, onOpen) {
  const badge = h("span", { className: "badge" }, icon(iconOf(event.kind)));
  const visual = h("span", { className: "visual" }, badge);
  const where = [event.camera ?? event.node, event.camera && event.node, event.subject && `#${trackOf(event)}`];
  const text = h(
    "span",
    { className: "text" },
    h("span", { className: "sentence" }, ...sentence(event).map((part) => (part.name ? h("b", {}, part.name) : part))),
    h("span", { className: "where" }, where.filter(Boolean).join(" · ")),
  );
  const button = h("button", { type: "button", className: "event" }, visual, text, timeElement(event.time));
  button.addEventListener("click", () => onOpen(event.id));
  const element = h("li", { className: isFresh ? "fresh" : "", "data-kind": event.kind, "data-position": event.position }, button);
  const row = { element, visual, badge, shown: null };
  rows.set(event.id, row);
  return row;
}

function updatePicture(row, event, object) {
  const url = event.thumbnail ?? object?.thumbnail ?? null;
  if (url === row.shown) return;
  row.shown = url;
  row.visual.replaceChildren(...(url ? [picture(url, `Picture of ${event.label ?? "an object"}`)] : []), row.badge);
  row.visual.classList.toggle("has-picture", Boolean(url));
}

function addCard(object, onOpen) {
  const { event } = object;
  const visual = h("span", { className: "visual" });
  const state = h("span", { className: "state" });
  const button = h(
    "button",
    { type: "button", title: `${event.camera ?? ""} · ${moment(event.time)}` },
    visual,
    h("span", { className: "label" }, h("b", {}, capital(event.label)), ` #${trackOf(event)}`),
    state,
  );
  button.addEventListener("click", () => onOpen((card.object.ended ?? card.object.started ?? card.object.event).id));
  const card = { element: h("li", {}, button), visual, state, shown: null, object };
  cards.set(object.id, card);
  return card;
}

function updateCard(card, object, inView) {
  card.object = object;
  if (card.shown !== object.thumbnail) {
    card.shown = object.thumbnail;
    card.visual.replaceChildren(picture(object.thumbnail, plainSentence(object.ended ?? object.event)));
  }
  card.element.classList.toggle("in-view", inView);
  const seen = object.ended ? `, ${duration(object.ended.data.dwell_s)}` : "";
  setText(card.state, inView ? "in view" : moment(object.event.time) + seen);
}
