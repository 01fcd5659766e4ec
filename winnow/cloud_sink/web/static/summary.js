// The tiles, the alarm for missing events, and the nodes with their cameras.

import { byId, h, setText } from "./dom.js";
import { ago, bytes, count, duration, plural, ratio, timeElement, utc } from "./format.js";

const LISTED_GAPS = 20;

function tile(id, figure, note, state = "") {
  const element = byId(id);
  setText(element.querySelector(".figure"), figure);
  setText(element.querySelector(".note"), note);
  element.dataset.state = state;
}

/** Show how much less left the boxes than came in. */
export function showBandwidth({ bytes_in: bytesIn, bytes_out: bytesOut, factor }) {
  if (factor === null || bytesIn === 0) {
    tile("bandwidth", "–", "Measured once a minute");
    return;
  }
  tile("bandwidth", `${ratio(factor)}× less`, `${bytes(bytesIn)} of video in, ${bytes(bytesOut)} of events and pictures out`);
  const share = Math.min(100, (100 * bytesOut) / bytesIn);
  byId("bandwidth").querySelector(".part").setAttribute("width", `${Math.max(0.8, share).toFixed(2)}%`);
}

/** Show that nothing is missing, or exactly what is. */
export function showGaps({ complete, gaps }, anything) {
  const alarm = byId("gaps");
  alarm.hidden = gaps.length === 0;
  if (complete) {
    if (anything) tile("complete", "Nothing missing", "Every sequence number is accounted for", "good");
    else tile("complete", "–", "Every event carries a sequence number");
    return;
  }
  if (!gaps.length) {
    tile("complete", "Reading a backlog", "What is missing may be in it");
    return;
  }
  const missing = gaps.reduce((sum, gap) => sum + gap.count, 0);
  tile("complete", `${count(missing)} missing`, `in ${plural(gaps.length, "gap")}, listed above`, "bad");
  const signature = JSON.stringify(gaps);
  if (alarm.dataset.shown === signature) return;
  alarm.dataset.shown = signature;
  alarm.replaceChildren(
    h("strong", {}, `${plural(missing, "event")} never arrived.`),
    " A node accepted them, and no tombstone explains where they are.",
    h("ul", {}, ...gaps.slice(0, LISTED_GAPS).map(gapLine)),
    gaps.length > LISTED_GAPS ? `These are the newest; ${plural(gaps.length - LISTED_GAPS, "older gap")} are not listed.` : "",
  );
}

function gapLine(gap) {
  const range = gap.first === gap.last ? `sequence ${count(gap.first)}` : `sequences ${count(gap.first)} to ${count(gap.last)}`;
  return h("li", {}, h("b", {}, gap.node), `: ${range} of epoch ${gap.epoch}, noticed at `, timeElement(gap.since));
}

/** Show how long the newest events took from the node's spool to the store. */
export function showDelay(events) {
  const delays = events.slice(0, 50).map((event) => (Date.parse(event.stored_at) - Date.parse(event.recorded_at)) / 1000);
  if (!delays.length) return;
  const median = delays.sort((one, other) => one - other)[Math.floor(delays.length / 2)];
  tile("delay", duration(median), `Median of the newest ${plural(delays.length, "event")}`);
}

/** Show nodes, each with its cameras. */
export function showSite(nodes, cameras) {
  const online = cameras.filter((camera) => camera.state === "online").length;
  const nodesOnline = nodes.filter((node) => node.state === "online").length;
  if (nodes.length) {
    const note = `${count(nodesOnline)} of ${plural(nodes.length, "node")} online`;
    tile("online", `${count(online)} of ${count(cameras.length)}`, note, online === cameras.length ? "" : "fair");
  } else {
    tile("online", "–", "No node has reported yet");
  }
  const items = nodes.map((node) => nodeItem(node, cameras.filter((camera) => camera.node === node.node)));
  byId("site").replaceChildren(...(items.length ? items : [h("li", { className: "none" }, "No node has reported yet.")]));
}

/** A certificate that ends this soon is told of; the same as in the processes' logs (winnow/runtime/certificates.py). */
const SOON_MS = 14 * 24 * 3600 * 1000;

function certificateFact(node) {
  const left = Date.parse(node.certificate_ends_at) - Date.now();
  if (!(left < SOON_MS)) return null; // none, too
  const when = left > 0 ? `ends in ${plural(Math.floor(left / 86_400_000), "day")}` : "has ended";
  return h("strong", { className: "warning", title: utc(node.certificate_ends_at) }, `a certificate ${when}`);
}

function nodeItem(node, cameras) {
  const facts = [
    node.version && `version ${node.version}`,
    node.spool_depth !== null && `${plural(node.spool_depth, "message")} waiting`,
    certificateFact(node),
  ];
  return h(
    "li",
    {},
    member(node.node, node, facts.filter(Boolean)),
    h("ul", {}, ...cameras.map((camera) => h("li", {}, member(camera.camera, camera, [camera.reason].filter(Boolean))))),
  );
}

function member(name, row, facts) {
  const state = h("span", { className: "state", "data-state": row.state, title: row.since ? `since ${utc(row.since)}` : "" }, row.state);
  const last = row.last_event_at ? h("span", { title: utc(row.last_event_at) }, `last event ${ago(row.last_event_at)}`) : "no event yet";
  const notes = h("span", { className: "note" }, ...facts.flatMap((fact) => [fact, " · "]), last);
  return h("div", { className: "member" }, h("span", { className: "name" }, name), state, notes);
}
