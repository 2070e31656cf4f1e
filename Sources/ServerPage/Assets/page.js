// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { Actions, Notes } from "./actions.js";
import { follow, key, Refusal } from "./api.js";
import { sandboxColumns, snapshotColumns } from "./columns.js";
import { Details } from "./details.js";
import { ask, help } from "./dialogs.js";
import { attribute, draw, el, oncePerFrame, shape, write } from "./dom.js";
import { Grid } from "./grid.js";
import { chooseSandboxes, chooseSnapshots, Store } from "./store.js";
import { count, duration, look, number, sandboxStates, setServerTime, short, snapshotStates } from "./words.js";

const byId = (id) => document.getElementById(id);
const store = new Store();
const notes = new Notes();
const actions = new Actions(store, notes, (error) => error.status === 401 && (askForKey(), true));
const details = new Details(byId("details"), { store, actions, close: () => closeDetails(), copied: copy });

// What is looked at

const views = {
  sandboxes: { states: new Set(), filter: "", order: { by: "created", reversed: false }, looks: sandboxStates, one: "sandbox", many: "sandboxes" },
  snapshots: { states: new Set(), filter: "", order: { by: "lineage", reversed: false }, looks: snapshotStates, one: "snapshot", many: "snapshots" },
};
let view = views.sandboxes;
let opened = null;
let areKeysOn = sessionStorage.getItem("stasis-keys") !== "off";

for (const [name, one] of Object.entries(views)) {
  one.name = name;
  one.grid = new Grid({
    name,
    label: name === "sandboxes" ? "Sandboxes" : "Snapshots, each below the one that it comes from",
    role: name === "sandboxes" ? "grid" : "treegrid",
    columns: name === "sandboxes" ? sandboxColumns : snapshotColumns(store),
    order: () => one.order,
    sort(by) {
      one.order = { by, reversed: one.order.by === by && !one.order.reversed };
      one.grid.showOrder();
      draws();
    },
    choose: (row) => { if (opened) go(one, row.key, true); },
    open(row, goesThere) {
      go(one, row.key);
      if (goesThere) details.focus();
    },
    press: (verb, row) => actions.do(verb, row.item),
    key: keyInList,
  });
}

const empty = el("div", { class: "empty" });

/** Shows what is wanted now. */
function show() {
  const chosen = view.name === "sandboxes"
    ? chooseSandboxes(store, view.filter, view.states, view.order) : chooseSnapshots(store, view.filter, view.states);
  view.grid.show(chosen.rows);
  write(byId("sandbox-count"), store.isComplete || store.sandboxes.size ? number(store.sandboxes.size) : "");
  write(byId("snapshot-count"), store.isComplete || store.sandboxes.size ? number(store.snapshots.size) : "");
  showStates(chosen.counts);
  const total = (view.name === "sandboxes" ? store.sandboxes : store.snapshots).size;
  const isNarrowed = view.filter || view.states.size;
  write(byId("found"), !store.isComplete && !total ? "" : isNarrowed ? `${number(chosen.found)} of ${count(total, view.one, view.many)}` : count(total, view.one, view.many));
  showEmpty(chosen.rows.length, total);
  details.show(opened ? store.sandboxes.get(opened) ?? store.snapshots.get(opened) ?? gone(opened) : null);
}
const draws = oncePerFrame(show);

/** What was looked at is no more. */
function gone(id) {
  if (!store.isComplete) return null;
  notes.say(`${short(id)} is no more`);
  const hadFocus = byId("details").contains(document.activeElement);
  go(view, null, true);
  if (hadFocus) view.grid.element.focus();
  return null;
}

function showEmpty(rows, total) {
  const kind = rows || !store.isComplete ? "" : total ? "filtered" : view.name;
  empty.hidden = !kind;
  view.grid.element.classList.toggle("vacant", Boolean(kind));
  if (empty.dataset.kind === kind) return;
  empty.dataset.kind = kind;
  if (kind === "filtered") {
    empty.replaceChildren(el("h2", {}, "Nothing matches"), el("p", {}, "Every word of the filter has to be found, and one of the states."),
      el("button", { class: "plain", onclick: clearFilter }, "Show everything"));
  } else if (kind === "snapshots") {
    empty.replaceChildren(el("h2", {}, "No snapshots"), el("p", {}, "Take one of a sandbox that runs: s in the list, or by its details. What a pause keeps is told with the sandbox."));
  } else if (kind) {
    empty.replaceChildren(el("h2", {}, "No sandboxes"), el("p", {}, "They are created by clients of the OpenSandbox API, and appear here as they are. With the Python SDK:"),
      el("pre", {}, `Sandbox.create("registry.example/team/image:1", connection_config=ConnectionConfig(domain="${location.host}", api_key=…))`));
  }
}

/** The states that there are, as buttons that narrow the list. */
function showStates(counts) {
  const box = byId("states");
  const wanted = Object.keys(view.looks).concat([...counts.keys()].filter((state) => !(state in view.looks)))
    .filter((state) => counts.get(state) || view.states.has(state));
  const signature = `${view.name}:${wanted.join()}`;
  if (box.dataset.signature !== signature) {
    box.dataset.signature = signature;
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    box.replaceChildren(...wanted.map((state) => el("button", {
      class: `chip ${look(view.looks, state).tone}`, dataset: { state },
      onclick() {
        if (!view.states.delete(state)) view.states.add(state);
        draws();
      },
    }, shape(look(view.looks, state).shape), el("span", {}, state), el("span", { class: "count" }))));
    if (focused) box.querySelector(`[data-state="${CSS.escape(focused)}"]`)?.focus();
  }
  for (const chip of box.children) {
    attribute(chip, "aria-pressed", view.states.has(chip.dataset.state) ? "true" : "false");
    write(chip.lastChild, number(counts.get(chip.dataset.state) ?? 0));
  }
}

function clearFilter() {
  view.filter = byId("filter").value = "";
  view.states.clear();
  draws();
  view.grid.element.focus();
}

// Places: #/sandboxes, #/sandboxes/ID, #/snapshots, #/snapshots/ID

function go(to, id, replaces = false) {
  const hash = `#/${to.name}${id ? `/${encodeURIComponent(id)}` : ""}`;
  if (location.hash === hash) return arrive();
  history[replaces ? "replaceState" : "pushState"](null, "", hash);
  arrive();
}

function arrive() {
  const [, name, id] = location.hash.split("/");
  const next = views[name] ?? views.sandboxes;
  const isOther = next !== view || !byId("list").contains(next.grid.element);
  view = next;
  try {
    opened = id ? decodeURIComponent(id) : null;
  } catch {
    opened = null;
  }
  if (isOther) {
    byId("list").replaceChildren(view.grid.element, empty);
    byId("filter").value = view.filter;
    delete empty.dataset.kind;
    attribute(byId("to-sandboxes"), "aria-current", view.name === "sandboxes" ? "page" : null);
    attribute(byId("to-snapshots"), "aria-current", view.name === "snapshots" ? "page" : null);
    attribute(byId("skip"), "href", `#/${view.name}`);
    document.title = `${view.name === "sandboxes" ? "Sandboxes" : "Snapshots"} · Stasis`;
  }
  document.body.classList.toggle("opened", Boolean(opened));
  cover();
  show();
  if (opened && view.grid.selected !== opened) view.grid.select(opened);
}

/** Where there is no room beside them, the details lie over all else, which is then not to be reached. */
const isCovering = matchMedia("(max-width: 56rem)");
function cover() {
  for (const one of document.querySelectorAll("header, .tools, .list")) one.inert = Boolean(opened) && isCovering.matches;
}
isCovering.addEventListener("change", cover);

function closeDetails() {
  const hadFocus = byId("details").contains(document.activeElement);
  go(view, null);
  if (hadFocus) view.grid.element.focus();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    notes.show("good", `Copied ${short(text)}.`);
  } catch {
    notes.show("bad", `The browser does not let the page copy. The id is ${text}`);
  }
}

// Keys

function keyInList(event, row) {
  if (!row) return;
  const pressed = event.key === "Backspace" ? "Delete" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = Object.entries(actions.actionsOf(row.item)).find(([, action]) => action.key === pressed);
  if (found) {
    event.preventDefault();
    actions.do(found[0], row.item);
  } else if (pressed === "c") {
    event.preventDefault();
    copy(row.item.id);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (event.target === byId("filter") && !byId("filter").value) view.grid.element.focus();
    else if (opened) {
      closeDetails();
      view.grid.element.focus();
    }
    return;
  }
  if (!areKeysOn || event.target.matches("input, select, textarea")) return;
  const does = {
    "/": () => byId("filter").select(),
    "?": showHelp,
    1: () => { go(views.sandboxes, null); view.grid.element.focus(); },
    2: () => { go(views.snapshots, null); view.grid.element.focus(); },
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

async function showHelp() {
  areKeysOn = await help(areKeysOn);
  sessionStorage.setItem("stasis-keys", areKeysOn ? "on" : "off");
}

// The connection

const link = byId("link");
link.append(shape("ring"), el("span"));

function tellLink(tone, name, text) {
  attribute(link, "class", `link ${tone}`);
  draw(link.firstChild, name);
  write(link.lastChild, text);
}

const retryNow = el("button", { class: "quiet" }, "Try now");
const bannerText = el("span");
byId("banner").append(shape("warning"), bannerText, retryNow);

function tellTrouble(text, canRetry) {
  if (byId("banner").hidden !== !text) byId("banner").hidden = !text;
  write(bannerText, text ?? "");
  retryNow.hidden = !canRetry;
}

let isAsking = false;
let stop = new AbortController();
let wake = () => {};

/** Asks for the key, and begins anew with it. */
async function askForKey(problem) {
  if (isAsking) return;
  isAsking = true;
  stop.abort();
  tellLink("dull", "ring", "No key");
  store.clear();
  // At once: what another key was let see is not to stand behind the dialog until the next picture.
  show();
  const answer = await ask({
    title: "API key",
    text: [problem ?? "This server wants a key. It is kept by this tab alone, until it is closed, and is sent to this server only."],
    fields: [{ name: "key", label: "Key", type: "password", autocomplete: "off", read(text) { if (!text) throw new Error("A key is needed."); return text; } }],
    accept: "Continue",
    cannotCancel: true,
  });
  isAsking = false;
  key.set(answer.key);
  byId("sign-out").hidden = false;
  live();
}

/** Follows the server as long as the page is looked at. */
async function live() {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  let failures = 0;
  while (!signal.aborted) {
    tellLink("busy", "left", "Connecting");
    try {
      store.begin();
      await follow((line) => {
        if (signal.aborted) return;
        if (line.now) setServerTime(Date.parse(line.now));
        if (line.version) {
          link.title = `stasis-server ${line.version}`;
          failures = 0;
        }
        if (line.complete) tellLink("good", "dot", "Live");
        if (line.end) throw new Refusal(401, "", line.end);
        tellTrouble(line.trouble ?? null, false);
        store.take(line);
      }, signal);
      if (signal.aborted) return;
      throw new Refusal(0, "", "The server has ended the connection.");
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) return void askForKey(key.get() ? "The server does not let this key in. Another one?" : undefined);
      failures += 1;
      const why = error instanceof Refusal ? error.message : "The server cannot be reached.";
      await pause(Math.min(30, 2 ** (failures - 1)) * (0.8 + 0.4 * Math.random()), why, signal);
    }
  }
}

/** Waits until it is worth while to try again, and counts down meanwhile. */
function pause(seconds, why, signal) {
  return new Promise((resolve) => {
    const end = performance.now() + seconds * 1000;
    const end_ = () => {
      clearInterval(timer);
      signal.removeEventListener("abort", end_);
      wake = () => {};
      resolve();
    };
    const count = () => {
      const left = (end - performance.now()) / 1000;
      if (left <= 0) return end_();
      tellTrouble(`${why} What is shown may be old.`, true);
      tellLink("bad", "warning", `Trying again in ${duration(left + 1)}`);
    };
    const timer = setInterval(count, 500);
    signal.addEventListener("abort", end_);
    wake = end_;
    count();
  });
}

retryNow.addEventListener("click", () => wake());

/** A page that nobody sees asks for nothing, after a while. */
let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      stop.abort();
      tellLink("dull", "bars", "Not followed while hidden");
    }, 60_000);
  } else if (stop.signal.aborted && !isAsking) {
    live();
  }
});

// Begin

byId("filter").addEventListener("input", (event) => {
  view.filter = event.target.value.trim();
  draws();
});
byId("filter").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  view.grid.element.focus();
  if (!view.grid.current && view.grid.rows.length) view.grid.select(view.grid.rows[0].key);
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.grid.element.focus();
});
byId("help").addEventListener("click", showHelp);
byId("sign-out").addEventListener("click", () => {
  key.forget();
  byId("sign-out").hidden = true;
  askForKey();
});
byId("sign-out").hidden = !key.get();
addEventListener("popstate", arrive);
addEventListener("hashchange", arrive);
store.listen(draws);
setInterval(() => {
  if (document.hidden) return;
  view.grid.draw();
  details.tick();
}, 1000);
arrive();
live();
