// Elements from values. Text only ever becomes a text node, so no label can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element; a property named like a DOM property is set as one, everything else as an attribute. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && typeof element[name] !== "object") element[name] = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Return an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Put `text` into the element, without touching it if it is there already. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return the element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Return a picture of an object on a blurred copy of itself; it fades in once it has loaded. */
export function picture(url, description, className = "picture") {
  const front = h("img", { src: url, alt: description, decoding: "async", className: "front" });
  const back = h("img", { src: url, alt: "", decoding: "async", className: "back", "aria-hidden": "true" });
  const frame = h("span", { className }, back, front);
  front.addEventListener("load", () => frame.classList.add("loaded"));
  front.addEventListener("error", () => frame.classList.add("broken"));
  if (front.complete && front.naturalWidth) frame.classList.add("loaded");
  return frame;
}
