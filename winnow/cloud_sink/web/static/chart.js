// Counts an hour as stacked bars, with a table for those who do not see them.

import { byId, h, svg } from "./dom.js";
import { capital, count, hourName, plural } from "./format.js";

const HEIGHT = 168;
const MARGIN = { top: 14, right: 2, bottom: 22, left: 30 };
const HOUR_MS = 3_600_000;
const SERIES = 5;

const place = byId("chart");
let shown = null;
const drawn = { page: "", width: 0 };
new ResizeObserver(() => shown && place.clientWidth !== drawn.width && draw()).observe(place);

/** Draw an answer of /api/counts; `noun` is what is counted. What is drawn already stays, tooltips included. */
export function showCounts(page, noun) {
  const signature = JSON.stringify([page, noun]);
  if (signature === drawn.page) return;
  drawn.page = signature;
  shown = { ...arrange(page), noun };
  const total = shown.hours.reduce((sum, { total }) => sum + total, 0);
  byId("chart-title").textContent = `${capital(noun)}s an hour`;
  byId("chart-note").textContent = `${plural(total, noun)} in ${plural(shown.hours.length, "hour")}${period(shown.hours)}`;
  draw();
  legend();
  table();
}

/** Return hours with a figure for each label, the labels by frequency; rare ones are summed up. */
function arrange({ since, until, counts }) {
  const totals = new Map();
  for (const { label, count } of counts) totals.set(label, (totals.get(label) ?? 0) + count);
  const byFrequency = [...totals.keys()].sort((one, other) => totals.get(other) - totals.get(one) || (one < other ? -1 : 1));
  const labels = byFrequency.length > SERIES ? [...byFrequency.slice(0, SERIES - 1), null] : byFrequency;
  const hours = [];
  for (let at = Date.parse(since); at < Date.parse(until); at += HOUR_MS) hours.push({ at: new Date(at), values: labels.map(() => 0), total: 0 });
  for (const { hour, label, count } of counts) {
    const slot = hours[Math.round((Date.parse(hour) - Date.parse(since)) / HOUR_MS)];
    if (!slot) continue;
    const series = labels.indexOf(label);
    slot.values[series < 0 ? labels.length - 1 : series] += count;
    slot.total += count;
  }
  return { labels: labels.map((label) => label ?? "other"), hours };
}

function period(hours) {
  const end = hours.at(-1).at.getTime() + HOUR_MS;
  if (end > Date.now()) return "";
  return `, up to ${new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }).format(end)}`;
}

function draw() {
  const { hours, labels, noun } = shown;
  drawn.width = place.clientWidth;
  const width = Math.max(240, place.clientWidth);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const { top, step } = scale(Math.max(...hours.map((hour) => hour.total)));
  const y = (value) => MARGIN.top + inner.height * (1 - value / top);
  const slot = inner.width / hours.length;
  const drawing = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-labelledby": "chart-drawing-title" });
  drawing.append(svg("title", { id: "chart-drawing-title" }, `${capital(noun)}s an hour, highest ${count(Math.max(...hours.map((hour) => hour.total)))}`));
  for (let value = 0; value <= top; value += step) {
    drawing.append(
      svg("line", { class: value ? "grid" : "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, count(value)),
    );
  }
  hours.forEach((hour, index) => {
    const x = MARGIN.left + index * slot;
    drawing.append(bar(hour, labels, noun, { x: x + slot * 0.14, width: slot * 0.72, y, left: x, slot, height: inner.height }));
    if (hour.at.getHours() % 6 === 0 && hour.at.getMinutes() === 0) {
      drawing.append(svg("text", { class: "tick", x: x + slot / 2, y: HEIGHT - 6, "text-anchor": "middle" }, hourName(hour.at)));
    }
  });
  place.replaceChildren(drawing);
}

/** Return the highest value of the axis, and the step between its lines: 1, 2 or 5 times a power of ten. */
function scale(highest) {
  const rough = Math.max(1, highest) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough));
  return { step, top: Math.max(step, Math.ceil(highest / step) * step) };
}

function bar(hour, labels, noun, at) {
  const group = svg("g", { class: "hour" });
  const lines = labels.map((label, series) => hour.values[series] && `${label}: ${count(hour.values[series])}`).filter(Boolean);
  group.append(
    svg("title", {}, [`${hourName(hour.at, true)}: ${plural(hour.total, noun)}`, ...lines].join("\n")),
    svg("rect", { class: "reach", x: at.left, y: MARGIN.top, width: at.slot, height: at.height }),
  );
  let below = 0;
  hour.values.forEach((value, series) => {
    if (!value) return;
    const from = at.y(below + value);
    const height = Math.max(1, at.y(below) - from - (below ? 1 : 0));
    group.append(svg("rect", { class: `bar series-${series}`, x: at.x, y: from, width: at.width, height, rx: Math.min(2, height / 2) }));
    below += value;
  });
  return group;
}

function legend() {
  const items = shown.labels.map((label, series) => h("li", {}, h("span", { className: `swatch series-${series}` }), capital(label)));
  byId("legend").replaceChildren(...(items.length ? items : [h("li", {}, "Nothing counted yet")]));
}

function table() {
  const head = h("tr", {}, ...["Hour", ...shown.labels.map(capital), "All"].map((text) => h("th", { scope: "col" }, text)));
  const body = shown.hours
    .filter((hour) => hour.total)
    .reverse()
    .map((hour) => h("tr", {}, h("th", { scope: "row" }, hourName(hour.at, true)), ...[...hour.values, hour.total].map((value) => h("td", {}, count(value)))));
  const caption = h("caption", { className: "visually-hidden" }, `${capital(shown.noun)}s an hour; hours without any are left out`);
  byId("chart-table").replaceChildren(h("table", {}, caption, h("thead", {}, head), h("tbody", {}, ...body)));
}
