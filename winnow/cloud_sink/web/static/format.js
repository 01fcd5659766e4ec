// Numbers with units, times in the reader's zone.

import { h } from "./dom.js";

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const time = new Intl.DateTimeFormat(undefined, CLOCK);
const dayTime = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...CLOCK });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayHour = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const whole = new Intl.NumberFormat("en");

/** Return 1234567 as "1,234,567". */
export const count = (number) => whole.format(number);

/** Return a number and its noun, e.g. "1 event", "3 events". */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Return bytes with a decimal unit and three significant digits. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let step = 0;
  while (number >= 999.5 && step < units.length - 1) {
    number /= 1000;
    step += 1;
  }
  const digits = step === 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return `${number.toFixed(digits)}\u00a0${units[step]}`;
}

/** Return a ratio like "312" or "4.2". */
export const ratio = (number) => (number < 10 ? number.toFixed(1) : count(Math.round(number)));

/** Return a duration in the unit that suits its size. */
export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))}\u00a0ms`;
  if (seconds < 59.95) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)}\u00a0s`;
  if (seconds < 3570) return `${Math.round(seconds / 60)}\u00a0min`;
  if (seconds < 86400 * 2) return `${(seconds / 3600).toFixed(1)}\u00a0h`;
  return `${Math.round(seconds / 86400)}\u00a0days`;
}

/** Return how long ago an ISO time was. */
export function ago(iso, now = Date.now()) {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 2) return "just now";
  if (seconds < 59.5) return `${Math.round(seconds)}\u00a0s ago`;
  return `${duration(seconds)} ago`;
}

/** Return the time of day, with the date if that is not today. */
export function moment(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? time.format(at) : dayTime.format(at);
}

/** Return date and time in UTC. */
export const utc = (iso) => `${new Date(iso).toISOString().replace("T", " ").replace(/\.?0*Z$/, "")} UTC`;

/** Return a <time> element: local time, UTC on hover. */
export const timeElement = (iso, text = moment(iso)) => h("time", { dateTime: iso, title: utc(iso) }, text);

/** Return the beginning of an hour, e.g. "14:00", with the weekday if asked for. */
export const hourName = (at, withDay = false) => (withDay ? dayHour : hour).format(at);

/** Return the text with a capital first letter. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
