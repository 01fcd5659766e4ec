// One event in full: picture, where in the frame, every fact, and the JSON that came.

import { byId, h, picture, svg } from "./dom.js";
import { duration, utc } from "./format.js";
import { icon } from "./icons.js";
import { plainSentence, sentence } from "./words.js";

const dialog = byId("details");
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

/** Open the dialog with this event. */
export function showDetails(event, object) {
  const url = event.thumbnail ?? object?.thumbnail;
  const close = h("button", { type: "button", className: "quiet close", "aria-label": "Close" }, icon("close"));
  close.addEventListener("click", () => dialog.close());
  const title = h("h2", { id: "details-title" }, ...sentence(event).map((part) => (part.name ? h("b", {}, part.name) : part)));
  const visuals = [url && picture(url, plainSentence(event), "picture large"), event.data.box && frame(event.data)].filter(Boolean);
  dialog.replaceChildren(
    h("header", {}, title, close),
    h("div", { className: "visuals" }, ...visuals),
    h("dl", {}, ...facts(event).flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])),
    h("details", {}, h("summary", {}, "Data as it came"), h("pre", {}, JSON.stringify(event.data, null, 2))),
  );
  dialog.showModal();
}

function facts(event) {
  const { data } = event;
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });
  const delay = (Date.parse(event.stored_at) - Date.parse(event.recorded_at)) / 1000;
  return [
    ["Time", local.format(new Date(event.time))],
    ["", utc(event.time)],
    ["Camera", event.camera ?? "none: the node itself"],
    ["Node", event.node],
    ["Object", event.subject],
    ["Score", data.top_score !== undefined ? `${percent(data.top_score)} at best` : data.score !== undefined ? percent(data.score) : null],
    ["In view", data.dwell_s !== undefined && event.kind === "object.ended" ? duration(data.dwell_s) : null],
    ["Zones", data.zones?.length ? data.zones.join(", ") : null],
    ["Model", data.model?.name],
    ["Edge to store", duration(delay)],
    ["Sequence", `${event.sequence} of epoch ${event.epoch}`],
    ["Kind", event.kind],
    ["Id", event.id],
  ].filter(([, value]) => value);
}

const percent = (share) => `${Math.round(share * 100)}\u00a0%`;

/** Return a drawing of the frame: the object's box, and its path if the event has one. */
function frame({ box, frame: [width, height], path }) {
  const points = (path ?? []).map(({ x, y }) => [x * width, y * height]);
  const unit = width / 100;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "frame", role: "img" });
  drawing.append(svg("title", {}, "Where in the camera's picture"), svg("rect", { class: "ground", width, height, rx: unit * 2 }));
  if (points.length > 1) {
    const [x, y] = points[0];
    drawing.append(
      svg("polyline", { points: points.map((point) => point.join(",")).join(" "), "stroke-width": unit }),
      svg("circle", { cx: x, cy: y, r: unit * 1.4 }),
    );
  }
  const [x, y, boxWidth, boxHeight] = box;
  drawing.append(
    svg("rect", { x: x * width, y: y * height, width: boxWidth * width, height: boxHeight * height, rx: unit, "stroke-width": unit * 0.8 }),
  );
  return drawing;
}
