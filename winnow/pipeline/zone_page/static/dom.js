// Elements from values. Text only ever becomes a text node, so no name can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element; `on` holds its listeners, all else is an attribute (true is an empty one, false none). */
export function h(tag, { on = {}, ...attributes } = {}, ...children) {
  return filled(document.createElement(tag), attributes, on, children);
}

/** Return an SVG element. */
export function svg(tag, { on = {}, ...attributes } = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, on, children);
}

/** Return the element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

function filled(element, attributes, listeners, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
  element.append(...children);
  return element;
}
