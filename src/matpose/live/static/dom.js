// Elements, made and changed by text only: nothing that the server sends is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element of that id: all of them stand in the page from the beginning. */
export const byId = (id) => document.getElementById(id);

/** An element with a class and a text. */
export function el(tag, className = "", text = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== "") made.textContent = text;
  made.append(...children);
  return made;
}

/** An SVG element with its attributes. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Write a text only where it differs: a live region speaks, and a layout is made, for changes alone. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same for a data attribute. */
export function mark(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}
