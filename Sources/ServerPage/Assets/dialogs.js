// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { el } from "./dom.js";

let numbers = 0;

/**
 * Asks something in a dialog, and resolves with what `submit` makes of the answers, or with null if nothing is wanted.
 * @param options `title`, `text` (sentences), `fields`, `accept` (the word on the button), `isDangerous`, `cannotCancel`, `hasNoCancel` (but Escape).
 */
export function ask({ title, text = [], fields = [], accept, isDangerous = false, cannotCancel = false, hasNoCancel = cannotCancel }) {
  const label = `dialog-${(numbers += 1)}`;
  return new Promise((resolve) => {
    let answer = null;
    const before = document.activeElement;
    const inputs = fields.map(field);
    const error = el("p", { class: "error", role: "alert" });
    const cancel = hasNoCancel ? null : el("button", { type: "button", class: "plain", onclick: () => dialog.close() }, "Cancel");
    const submit = el("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, accept);
    const form = el("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      try {
        answer = Object.fromEntries(inputs.map((input) => [input.name, input.read()]));
      } catch (problem) {
        error.textContent = problem.message;
        problem.input?.focus();
        return;
      }
      dialog.close();
    } },
      el("h2", { id: label }, title), text.map((sentence) => el("p", {}, sentence)),
      inputs.map((input) => input.element), error, el("div", { class: "buttons" }, cancel, submit));
    const dialog = el("dialog", { "aria-labelledby": label, role: isDangerous ? "alertdialog" : null }, form);
    if (cannotCancel) dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    (inputs[0]?.focus ?? (isDangerous ? cancel : submit)).focus();
  });
}

/** A field of a dialog: `name`, `label`, `hint`, `value`, `type`; `options` make it a choice; `read(text)` may throw. */
function field({ name, label, hint, value = "", type = "text", options, read = (text) => text, ...attributes }) {
  const id = `field-${(numbers += 1)}`;
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  const isCheck = type === "checkbox";
  const input = options
    ? el("select", { id, ...described, ...attributes }, options.map(([key, words]) => el("option", { value: key, selected: key === value }, words)))
    : el("input", { id, type, autocomplete: "off", spellcheck: "false", ...described, ...attributes });
  if (isCheck) input.checked = Boolean(value);
  else if (!options) input.value = value;
  const help = hint ? el("p", { id: `${id}-hint`, class: "hint" }, hint) : null;
  const caption = el("label", { for: id }, label);
  return {
    name,
    focus: input,
    element: el("div", { class: isCheck ? "field check" : "field" }, isCheck ? [input, caption] : [caption, input], help),
    read() {
      try {
        return isCheck ? input.checked : read(input.value.trim());
      } catch (problem) {
        problem.input = input;
        throw problem;
      }
    },
  };
}

/** Reads a whole number within bounds; nothing is `null` if that is allowed. */
export const whole = (what, least, most, isOptional = false) => (text) => {
  if (!text && isOptional) return null;
  const value = Number(text);
  if (!text || !Number.isInteger(value) || value < least || value > most) throw new Error(`${what} has to be a whole number from ${least} to ${most}.`);
  return value;
};

const keys = [
  ["In a list", [
    ["↑ ↓ Page Home End", "move"], ["Enter", "open the details, and go there"], ["p", "pause"], ["r", "resume"],
    ["s", "take a snapshot"], ["f", "fork a sandbox, or create one from a snapshot"], ["e", "change when it expires"], ["c", "copy the id"], ["Delete", "delete, after a question"],
  ]],
  ["Anywhere", [["/", "go to the filter"], ["1 2", "sandboxes, snapshots"], ["Esc", "close the details, back to the list"], ["?", "this help"]]],
];

/** Shows what keys do and what the filter understands, and answers whether keys are to mean anything. */
export async function help(areKeysOn) {
  const rows = keys.flatMap(([title, list]) => [
    el("h3", {}, title),
    el("dl", { class: "keys" }, list.flatMap(([names, does]) => [
      el("dt", {}, names.split(" ").map((name) => el("kbd", {}, name))), el("dd", {}, does),
    ])),
  ]);
  const answer = await ask({
    title: "Help",
    text: [
      el("div", { class: "help" }, rows,
        el("h3", {}, "Filter"),
        el("p", {}, "Every word has to be found, in ids, images, names and metadata. ", el("code", {}, "project=de"),
          " finds metadata whose value begins so, ", el("code", {}, "state:pa"), " states that begin so.")),
    ],
    fields: [{ name: "keys", label: "Single keys do something outside of lists", type: "checkbox", value: areKeysOn }],
    accept: "Close",
    hasNoCancel: true,
  });
  return answer ? answer.keys : areKeysOn;
}
