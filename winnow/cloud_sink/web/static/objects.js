// Which events belong to the same object, and which picture shows it.

/** Kinds that may tell of an interruption. */
export const STREAM_KINDS = ["camera.online", "camera.offline"];

/** Return whether a camera's former objects are gone with this event, told or not: its pictures were interrupted. */
const interrupts = ({ kind, data }) => STREAM_KINDS.includes(kind) && !data.recovered_from && !data.is_snapshot;

const keyOf = (event) => `${event.node} ${event.camera} ${event.epoch} ${event.subject}`;

/**
 * Return a map from event id to object, and the objects, newest first.
 *
 * Track numbers begin again when a stream does, so `object.started` always begins a new object.
 * @param {Array} events in any order
 */
export function objectsOf(events) {
  const byEvent = new Map();
  const current = new Map();
  const objects = [];
  for (const event of [...events].sort((one, other) => one.position - other.position)) {
    if (interrupts(event)) loseAll(current, event);
    if (!event.subject || !event.label) continue;
    const key = keyOf(event);
    let object = current.get(key);
    if (!object || event.kind === "object.started") {
      object = { id: event.id, event, thumbnail: null, started: null, ended: null, lost: false };
      current.set(key, object);
      objects.push(object);
    }
    if (event.thumbnail) object.thumbnail = event.thumbnail;
    if (event.kind === "object.started") object.started = event;
    if (event.kind === "object.ended") object.ended = event;
    byEvent.set(event.id, object);
  }
  return { byEvent, objects: objects.reverse() };
}

function loseAll(current, { node, camera }) {
  for (const object of current.values()) {
    if (object.event.node === node && object.event.camera === camera) object.lost = true;
  }
}
