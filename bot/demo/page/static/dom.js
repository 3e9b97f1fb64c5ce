// Small ways to make elements. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  menu: "M3 5h14M3 10h14M3 15h14",
  send: "M3 10l14-7-5 14-3-6z",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 12.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  hash: "M8 3L6 17M14 3l-2 14M4 7.5h13M3 12.5h13",
  bolt: "M11 2L4 11h5l-1 7 8-10h-5z",
  home: "M3 9.5L10 3l7 6.5V17h-4.5v-4.5h-5V17H3z",
  chat: "M3 4h14v10H9l-4 3.5V14H3z",
  close: "M5 5l10 10M15 5L5 15",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  file: "M5 2.5h7l4 4v11H5zM12 2.5v4h4",
  down: "M10 3v10M6 9.5l4 4 4-4M4 17h12",
  open: "M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8",
  stop: "M7 2.5h6L17.5 7v6L13 17.5H7L2.5 13V7zM10 6v4.5M10 13.8v.01",
};

/** An element. `props` are attributes; `on` holds listeners, `text` is its text. */
export function el(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/** The same for the elements of drawings. */
export function svg(tag, props = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), props, children);
}

function dress(element, { on = {}, text, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false)
      element.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** A line drawing, only for the eye. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", class: `icon icon-${name}`, "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }));
}

/** The element of this id in the page. */
export const by = (id) => document.getElementById(id);

/** A face for a person: initials on a colour that stays theirs. */
export function face(name, key) {
  const initials = name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  let sum = 0;
  for (const letter of key) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return el("span", { class: `face face-${sum % 8}`, "aria-hidden": "true", text: initials });
}
