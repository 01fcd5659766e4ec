// Small line drawings, 24 units wide.

import { svg } from "./dom.js";

const PATHS = {
  came: "M12 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6M5 20c.5-4 3.300-6 7-6s6.500 2 7 6",
  went: "M10 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6M4 20c.4-4 2.600-6 6-6M14 17h7m-3-3 3 3-3 3",
  changed: "M10 5a3 3 0 1 1 0 6a3 3 0 1 1 0-6M4 20c.4-4 2.600-6 6-6M15 16h6M15 20h6",
  line: "M4 20 20 4M8 8l8 8m0-5v5h-5",
  zone: "M4 8l8-4 8 5-2 9-11 2z",
  camera: "M4 8h10v9H4zM14 11l6-3v9l-6-3",
  node: "M5 5h14v6H5zM5 13h14v6H5zM8 8h1M8 16h1",
  model: "M12 4l7 4v8l-7 4-7-4V8zM5 8l7 4 7-4M12 12v8",
  close: "M6 6l12 12M18 6 6 18",
};

/** Return an icon; it says nothing to a screen reader. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}
