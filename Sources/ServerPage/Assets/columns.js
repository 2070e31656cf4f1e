// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { attribute, draw, el, shape, write } from "./dom.js";
import { bytes, duration, look, moment, now, progress, sandboxStates, short, shortDigest, snapshotStates } from "./words.js";

/** A column whose cells are one text. `text` gives it, and a title that says more. */
const plain = (column, text) => ({
  ...column,
  make: (cell) => cell,
  fill(cell, row) {
    const [words, title] = [].concat(text(row.item, row));
    write(cell, words ?? "");
    attribute(cell, "title", title);
  },
});

/** The state as a shape and a word, and how far a capture is. */
const state = (states) => ({
  name: "state", title: "State", order: states === sandboxStates ? "state" : undefined,
  make(cell) {
    cell.shape = shape("ring");
    cell.word = el("span", { class: "word" });
    cell.percent = el("span", { class: "percent" });
    cell.bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span"));
    cell.append(cell.shape, cell.word, cell.percent, cell.bar);
    return cell;
  },
  fill(cell, { item }) {
    const { shape: name, tone } = look(states, item.status.state);
    draw(cell.shape, name);
    if (cell.tone !== tone) {
      cell.tone = tone;
      cell.className = `cell state ${tone}`;
    }
    write(cell.word, item.status.state);
    const how = item.status.progress ? progress(item.status.progress) : null;
    write(cell.percent, how ? how.percent || item.status.progress.stage : "");
    cell.bar.hidden = !how;
    cell.bar.classList.toggle("unknown", how?.share === null);
    cell.bar.firstChild.style.width = how?.share === null ? "" : `${(how?.share ?? 0) * 100}%`;
    attribute(cell, "title", how?.text ?? item.status.message);
  },
});

/** When something was, as time that has passed. */
const age = (order) => ({
  name: "age", title: "Age", order, descends: true, ticks: true,
  make: (cell) => cell.appendChild(el("time")).parentNode,
  fill(cell, { item }) {
    if (cell.made !== item.createdAt) {
      cell.made = item.createdAt;
      cell.at = Date.parse(item.createdAt);
      cell.firstChild.dateTime = item.createdAt;
      cell.title = moment(cell.at);
    }
    write(cell.firstChild, duration((now() - cell.at) / 1000));
  },
});

/** Time that is left until something happens by itself. */
export function left(date) {
  const seconds = (Date.parse(date) - now()) / 1000;
  return { seconds, text: seconds > 0 ? duration(seconds) : "due" };
}

/** A paused sandbox whose time has passed is there all the same: its time stands still. */
export const standsStill = (sandbox) => sandbox.status.state === "Paused" && sandbox.expiresAt && Date.parse(sandbox.expiresAt) <= now();

const expires = {
  name: "expires", title: "Expires", order: "expires", ticks: true,
  make: (cell) => cell,
  fill(cell, { item }) {
    const time = item.expiresAt && !standsStill(item) ? left(item.expiresAt) : null;
    write(cell, time ? time.text : item.expiresAt ? "stopped" : "never");
    cell.classList.toggle("soon", Boolean(time && time.seconds < 300));
    cell.classList.toggle("faint", !time);
    attribute(cell, "title", time ? moment(Date.parse(item.expiresAt)) : item.expiresAt ? "Its time stands still while it is paused." : null);
  },
};

/** After how many seconds without access it is paused, if that was asked for. */
export const idlePause = (sandbox) => Number(sandbox.extensions?.["access.idle-pause.seconds"]) || null;

const pauses = {
  name: "pauses", title: "Pauses", ticks: true,
  make: (cell) => cell,
  fill(cell, { item }) {
    const runs = item.status.state === "Running";
    const idle = idlePause(item);
    const text = runs && item.pausesAt ? `in ${left(item.pausesAt).text}` : runs && idle ? `idle ${duration(idle)}` : "";
    write(cell, text);
    attribute(cell, "title", !text ? null : item.pausesAt ? moment(Date.parse(item.pausesAt)) : `It is paused when it was not used for ${duration(idle)}.`);
  },
};

/** Metadata beside an identity, as many as there is room for. */
const tags = (metadata) => Object.entries(metadata ?? {}).map(([key, value]) =>
  el("span", { class: "tag" }, el("span", { class: "tag-key" }, `${key}=`), value));

const sandbox = {
  name: "name", title: "Sandbox", order: "id",
  make(cell) {
    cell.id_ = el("span", { class: "id" });
    cell.tags = el("span", { class: "tags" });
    cell.append(cell.id_, cell.tags);
    return cell;
  },
  fill(cell, { item }) {
    write(cell.id_, short(item.id));
    attribute(cell, "title", item.id);
    const metadata = JSON.stringify(item.metadata ?? {});
    if (cell.metadata === metadata) return;
    cell.metadata = metadata;
    cell.tags.replaceChildren(...tags(item.metadata));
  },
};

/** What of an image is worth reading first: not its registry, and not the whole of its digest. */
export const imageName = (uri) => (uri.startsWith("oci:") ? uri.split("/").pop()
  : uri.replace(/^[^/]*[.:][^/]*\//, "").replace(/@sha256:([0-9a-f]{12})[0-9a-f]+$/, "@$1"));

/** The one thing that is done most often, beside the row. */
const quick = {
  name: "quick", title: "Action", isTitleHidden: true,
  make(cell) {
    cell.button = el("button", { class: "quick", tabindex: -1 }, shape("bars"));
    cell.append(cell.button);
    return cell;
  },
  fill(cell, { item }) {
    const does = { Running: "pause", Paused: "resume" }[item.status.state];
    cell.button.hidden = !does;
    if (!does) return;
    cell.button.dataset.does = does;
    draw(cell.button.firstChild, does === "pause" ? "bars" : "play");
    attribute(cell.button, "aria-label", `${does === "pause" ? "Pause" : "Resume"} ${short(item.id)}`);
    attribute(cell.button, "title", does === "pause" ? "Pause" : "Resume");
  },
};

/** The columns of sandboxes. */
export const sandboxColumns = [
  state(sandboxStates),
  sandbox,
  plain({ name: "from", title: "From" }, (item) => item.snapshotId
    ? [`snapshot ${short(item.snapshotId)}`, item.snapshotId] : [imageName(item.image?.uri ?? ""), item.image?.uri]),
  age("created"),
  expires,
  pauses,
  quick,
];

/** The columns of snapshots, of which some depend on others. */
export const snapshotColumns = (store) => [
  {
    name: "name", title: "Snapshot",
    make(cell) {
      cell.line = el("span", { class: "line", "aria-hidden": "true" });
      cell.word = el("span", { class: "title" });
      cell.id_ = el("span", { class: "id" });
      cell.append(cell.line, cell.word, cell.id_);
      return cell;
    },
    fill(cell, { item, guides }) {
      if (cell.guides !== guides) {
        cell.guides = guides;
        cell.line.replaceChildren(...[...guides].map((guide) => el("span", { class: { "|": "on", "`": "last" }[guide] })));
      }
      write(cell.word, item.name ?? "");
      write(cell.id_, short(item.id));
      attribute(cell, "title", item.id);
    },
  },
  state(snapshotStates),
  plain({ name: "of", title: "Of sandbox" }, (item) =>
    [short(item.sandboxId), store.sandboxes.has(item.sandboxId) ? item.sandboxId : `${item.sandboxId}, which is no more`]),
  plain({ name: "base", title: "Base" }, (item) => {
    const base = store.base(item);
    return base ? [base.startsWith("sha256:") ? shortDigest(base) : imageName(base), base] : "";
  }),
  plain({ name: "size", title: "Size" }, (item) => (item.artifact ? bytes(item.artifact.parts.reduce((sum, part) => sum + part.size, 0)) : "")),
  plain({ name: "layers", title: "Layers" }, (item) => item.artifact?.parts.map((part) => part.layers).filter(Boolean).join(" + ") ?? ""),
  plain({ name: "frozen", title: "Frozen" }, (item) => (item.artifact?.statistics
    ? [`${(item.artifact.statistics.frozenMilliseconds / 1000).toFixed(2)}s`, "How long the sandbox stood still for it"] : "")),
  age(undefined),
];
