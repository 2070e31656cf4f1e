// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// Elements are made one by one, and texts are only ever texts: nothing that a sandbox says is read as markup.

const svgNamespace = "http://www.w3.org/2000/svg";

/** Makes an element. `class`, `dataset` and `on...` are understood, all else is an attribute; null and false leave it out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Writes a text, if it is another one. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, or takes it away if there is no value; if that changes something. */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

/** Shapes by which states are told apart where colours are not seen. */
const shapes = {
  dot: ["M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z"],
  bars: ["M2 1h3v10H2zM7 1h3v10H7z"],
  left: ["M6 1a5 5 0 0 0 0 10z", "M6 1a5 5 0 0 1 0 10"],
  right: ["M6 1a5 5 0 0 1 0 10z", "M6 1a5 5 0 0 0 0 10"],
  ring: [null, "M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z"],
  square: ["M2 2h8v8H2z"],
  frame: [null, "M2.5 2.5h7v7h-7z"],
  warning: ["M6 .5 12 11.5H0zM5.3 4.5v3.4h1.4V4.500zM5.300 8.700v1.400h1.400V8.700z"],
  check: [null, "M1.500 6.500 4.500 9.500 10.500 2.500"],
  play: ["M3 1v10l8-5z"],
};

/** Makes a shape that says nothing to those who listen: a word always stands beside it. */
export function shape(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("shape");
  draw(svg, name);
  return svg;
}

/** Makes a shape another one, if it is another one. */
export function draw(svg, name) {
  if (svg.dataset.shape === name) return;
  svg.dataset.shape = name;
  const [filled, stroked] = shapes[name] ?? shapes.ring;
  svg.replaceChildren(
    ...[[filled, "filled"], [stroked, "stroked"]].filter(([path]) => path).map(([path, kind]) => {
      const element = document.createElementNS(svgNamespace, "path");
      element.setAttribute("d", path);
      element.setAttribute("fill-rule", "evenodd");
      element.classList.add(kind);
      return element;
    })
  );
}

/** Calls a function once for any number of requests until the next picture is drawn. */
export function oncePerFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
