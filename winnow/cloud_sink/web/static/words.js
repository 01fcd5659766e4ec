// What an event says, in a sentence. A sentence is a list of texts and {name} parts; names are shown bold.

import { capital, count, duration, plural } from "./format.js";

const GROUPS = [
  ["happenings", "Everything that happened", null],
  ["objects", "Objects come and go", ["object.started", "object.updated", "object.ended"]],
  ["lines", "Lines crossed", ["line.crossed"]],
  ["zones", "Zones", ["zone.entered", "zone.exited", "zone.dwelled", "zone.occupancy", "sequence.completed"]],
  [
    "system",
    "Cameras, nodes, models",
    ["camera.online", "camera.offline", "camera.degraded", "spool.dropped", "model.activated", "model.rejected", "model.rolledback"],
  ],
  ["statistics", "Statistics", ["node.stats"]],
];
const OCCURRENCES = GROUPS.slice(1, -1).flatMap(([, , kinds]) => kinds);

/** Choices of the kind filter: [value, text]. */
export const KIND_CHOICES = GROUPS.map(([value, text]) => [value, text]);

/** Return the kinds behind a choice of the kind filter. */
export function kindsOf(choice) {
  const group = GROUPS.find(([value]) => value === choice);
  return group?.[2] ?? OCCURRENCES;
}

/** Return the name of the icon for a kind. */
export function iconOf(kind) {
  if (kind.startsWith("object.")) return { "object.started": "came", "object.ended": "went" }[kind] ?? "changed";
  return { line: "line", zone: "zone", sequence: "zone", camera: "camera", model: "model" }[kind.split(".")[0]] ?? "node";
}

const name = (text) => ({ name: text });

const UPDATES = {
  moving: () => [" started moving"],
  stationary: () => [" stopped moving"],
  zones: (data) => (data.zones.length ? [" is in ", name(data.zones.join(", "))] : [" is in no zone"]),
  thumbnail: () => [" has a better picture"],
};

const ENDS = { lost: "left after", stream: "was in view when the footage ended, after", stopped: "was in view when the node stopped, after" };

const SENTENCES = {
  "object.started": () => [" appeared"],
  "object.updated": (data) => UPDATES[data.change]?.(data) ?? [" changed"],
  "object.ended": (data) => [` ${ENDS[data.reason] ?? "left after"} ${duration(data.dwell_s)}`],
  "line.crossed": (data) => [" crossed ", name(data.line), data.direction === "in" ? ", inwards" : ", outwards"],
  "zone.entered": (data) => [" entered ", name(data.zone)],
  "zone.exited": (data) => [" left ", name(data.zone), ` after ${duration(data.dwell_s)}`],
  "zone.dwelled": (data) => [" has stayed in ", name(data.zone), ` for ${duration(data.dwell_s)}`],
  "sequence.completed": (data) => [" completed ", name(data.name), ` in ${duration(data.duration_s)}`],
};

const OTHERS = {
  "zone.occupancy": (data) => [name(data.zone), ` holds ${plural(data.count, "object")}: ${data.state === "above" ? `${count(data.threshold)} or more` : `fewer than ${count(data.threshold)}`}`],
  "camera.online": (data, event) => ["Camera ", name(event.camera ?? ""), ` is ${data.recovered_from ? `no longer ${data.recovered_from}` : "online"}, ${data.frame[0]} × ${data.frame[1]}`],
  "camera.offline": (data, event) => ["Camera ", name(event.camera ?? ""), ` went offline: ${data.reason}`],
  "camera.degraded": (data, event) => ["Camera ", name(event.camera ?? ""), ` shows nothing useful: ${data.reason}`],
  "node.stats": (data) => [
    `${plural(data.cameras.reduce((sum, camera) => sum + camera.frames_analysed, 0), "frame")} analysed in ${duration(data.period_s)}, ` +
      `${plural(data.spool_depth, "message")} waiting in the spool`,
  ],
  "spool.dropped": (data) => [`The spool gave up ${plural(data.count, "message")}: ${data.reason}`],
  "model.activated": (data) => ["Model ", name(data.model.name), ` ${data.version} is in use`],
  "model.rejected": (data) => ["Model ", name(data.model.name), ` was rejected: ${data.reason}`],
  "model.rolledback": (data) => ["Back to model ", name(data.model.name), `: ${data.reason}`],
};

/** Return the parts of the sentence that tells the event. */
export function sentence(event) {
  const about = SENTENCES[event.kind];
  if (about) return [capital(event.label ?? "object"), ...about(event.data)];
  return OTHERS[event.kind]?.(event.data, event) ?? [event.kind];
}

/** Return the sentence as plain text. */
export const plainSentence = (event) => sentence(event).map((part) => part.name ?? part).join("");
