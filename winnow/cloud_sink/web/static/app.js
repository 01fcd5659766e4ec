// Wires stream, filters and views together.

import { byId, h, setText } from "./dom.js";
import { logInAgain, showAccount } from "./account.js";
import { showCounts } from "./chart.js";
import { showDetails } from "./details.js";
import { showEvents, showLatest } from "./events.js";
import { chosen, clearFilters, countQuery, eventQuery, isFiltered, isShown, offer, startFilters } from "./filters.js";
import { plural } from "./format.js";
import { listen } from "./live.js";
import { objectsOf } from "./objects.js";
import { showBandwidth, showDelay, showGaps, showSite } from "./summary.js";

const PAGE = 200;
const KEPT = 400;
const ROWS = 30;
const REFRESH_MS = 5000;
const LOST_AFTER_MS = 1200;
const ANNOUNCE_MS = 30_000;

const state = { events: [], kept: KEPT, rows: ROWS, nodesAway: new Set(), exhausted: false, book: objectsOf([]), stop: null, lostTimer: null };
const unannounced = { count: 0, since: 0 };

function start() {
  startFilters(restart);
  showAccount();
  byId("older").addEventListener("click", showOlder);
  document.addEventListener("visibilitychange", () => !document.hidden && refresh());
  setInterval(() => !document.hidden && refresh(), REFRESH_MS);
  restart();
}

/** Begin again with the filters as they are now. */
function restart() {
  state.stop?.();
  state.kept = KEPT;
  state.rows = ROWS;
  state.stop = listen(eventQuery(PAGE), { snapshot, events: arrived, thumbnails, state: connection });
  refresh();
}

function snapshot(events) {
  state.events = events;
  state.exhausted = events.length < PAGE;
  show(new Set());
}

function arrived(events) {
  if (!events.length) return;
  const known = new Set(state.events.map((event) => event.id));
  const fresh = events.filter((event) => !known.has(event.id)).reverse();
  state.events = [...fresh, ...state.events];
  if (state.events.length > state.kept) {
    state.events.length = state.kept;
    state.exhausted = false;
  }
  show(new Set(fresh.map((event) => event.id)));
  announce(fresh.filter(isShown).length);
  refreshSoon();
}

function thumbnails(pictures) {
  const byEvent = new Map(pictures.map(({ id, thumbnail }) => [id, thumbnail]));
  for (const event of state.events) event.thumbnail = byEvent.get(event.id) ?? event.thumbnail;
  show(new Set());
}

/** Show more rows; ask for more events when they run out. */
async function showOlder() {
  state.rows += ROWS;
  if (state.events.filter(isShown).length < state.rows && !state.exhausted) await loadOlder();
  show(new Set());
}

async function loadOlder() {
  const query = eventQuery(PAGE);
  query.set("before", state.events.at(-1).position);
  const page = await get(`/api/events?${query}`);
  if (!page) return;
  state.events = [...state.events, ...page.events];
  state.kept = Math.max(state.kept, state.events.length);
  state.exhausted = page.events.length < PAGE;
}

function show(fresh) {
  const book = (state.book = objectsOf(state.events));
  const shown = state.events.filter(isShown);
  offer("label", state.events.map((event) => event.label).filter(Boolean));
  showEvents(shown.slice(0, state.rows), book, fresh, open);
  showLatest(book.objects, state.nodesAway, open);
  showDelay(shown);
  byId("older").hidden = state.exhausted && shown.length <= state.rows;
  showEmpty(shown.length === 0);
}

function open(id) {
  const event = state.events.find((candidate) => candidate.id === id);
  if (event) showDetails(event, state.book.byEvent.get(id));
}

function showEmpty(isEmpty) {
  const empty = byId("empty");
  if (!isEmpty || empty.hidden === false) {
    empty.hidden = !isEmpty;
    if (!isEmpty) return;
  }
  empty.hidden = false;
  const clear = h("button", { type: "button", className: "quiet" }, "Clear filters");
  clear.addEventListener("click", clearFilters);
  empty.replaceChildren(
    ...(isFiltered()
      ? [h("strong", {}, "No event matches these filters"), h("p", {}, "New ones that do will appear here by themselves."), clear]
      : [
          h("strong", {}, "Waiting for the first event"),
          h("p", {}, "As soon as a camera sees something and its node has sent it, it appears here. There is no need to reload."),
        ]),
  );
}

/** Show the pill at once, and the banner only if the connection does not come back quickly. */
function connection(status, message) {
  const pill = byId("connection");
  const banner = byId("lost");
  pill.dataset.state = status;
  setText(pill, status === "live" ? "Live" : "Reconnecting…");
  if (status === "live") {
    clearTimeout(state.lostTimer);
    state.lostTimer = null;
    banner.hidden = true;
    refresh();
    return;
  }
  setText(banner, message ? `No news: ${message}. Trying again…` : "The connection is lost. What you see may be out of date; trying again…");
  state.lostTimer ??= setTimeout(() => (banner.hidden = false), LOST_AFTER_MS);
}

/** Tell a screen reader now and then how many events came, not each of them. */
function announce(number) {
  unannounced.count += number;
  if (!unannounced.count || Date.now() - unannounced.since < ANNOUNCE_MS) return;
  setText(byId("announcer"), `${plural(unannounced.count, "new event")}`);
  unannounced.count = 0;
  unannounced.since = Date.now();
}

let refreshTimer = null;
function refreshSoon() {
  refreshTimer ??= setTimeout(() => {
    refreshTimer = null;
    refresh();
  }, 1000);
}

/** Ask for everything that is no event. */
async function refresh() {
  const asked = countQuery().toString();
  const paths = ["/api/bandwidth", "/api/gaps", "/api/nodes", "/api/cameras", `/api/counts?${asked}`, "/api/counts"];
  const [bandwidth, gaps, nodes, cameras, counts, everything] = await Promise.all(paths.map(get));
  warnOfOldFigures([bandwidth, gaps, nodes, cameras, counts].includes(null));
  if (bandwidth) showBandwidth(bandwidth);
  if (gaps && nodes) showGaps(gaps, nodes.nodes.length > 0);
  if (nodes && cameras) {
    offer("camera", cameras.cameras.map((camera) => camera.camera));
    showSite(nodes.nodes, cameras.cameras);
    state.nodesAway = new Set(nodes.nodes.filter((node) => ["offline", "stopped"].includes(node.state)).map((node) => node.node));
    showLatest(state.book.objects, state.nodesAway, open);
  }
  if (everything) offer("label", everything.counts.map((one) => one.label));
  if (counts && asked === countQuery().toString()) {
    showCounts(counts, chosen().countsObjects ? "object" : "event");
  }
}

/** Say so if figures cannot be had although the stream is there: then the server runs and its store does not. */
function warnOfOldFigures(failed) {
  if (byId("connection").dataset.state !== "live") return;
  const banner = byId("lost");
  if (failed) setText(banner, "The store does not answer. What you see may be out of date; trying again…");
  banner.hidden = !failed;
}

/** Return the JSON at `path`, null if it cannot be had now. */
async function get(path) {
  try {
    const response = await fetch(path);
    if (response.status === 401) logInAgain();
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

start();
