// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { isSnapshot } from "./actions.js";
import { call } from "./api.js";
import { idlePause, standsStill } from "./columns.js";
import { attribute, draw, el, shape, write } from "./dom.js";
import { bytes, count, duration, look, moment, now, progress, sandboxStates, short, shortDigest, snapshotStates, spokenDuration } from "./words.js";

/** Everything about one sandbox or snapshot, beside the list. What has the focus keeps it while things change. */
export class Details {
  item = null;
  #parts = null;

  /** @param options `store`, `actions`, `close()`, `copied(text)`. */
  constructor(element, options) {
    this.element = element;
    this.options = options;
  }

  /** Shows something, or nothing. */
  show(item) {
    const isOther = item?.id !== this.item?.id;
    this.item = item;
    this.element.hidden = !item;
    if (!item) return void this.element.replaceChildren();
    if (isOther) this.#build(item);
    this.refresh();
  }

  /** Goes there. */
  focus() { this.#parts?.title.focus(); }

  #build(item) {
    const { actions, close, copied } = this.options;
    const kind = isSnapshot(item) ? "Snapshot" : "Sandbox";
    const title = el("h2", { tabindex: -1 });
    const state = el("p", { class: "now" }, shape("ring"), el("strong"), el("span", { class: "since" }));
    const message = el("p", { class: "message" });
    const bar = el("progress", { "aria-label": "Capture", hidden: true });
    const how = el("p", { class: "how", hidden: true });
    const buttons = Object.entries(actions.actionsOf(item)).map(([verb, action]) => {
      const button = el("button", {
        class: action.isDangerous ? "danger" : "plain", dataset: { does: verb }, "aria-keyshortcuts": action.key,
        onclick: () => { if (button.getAttribute("aria-disabled") !== "true") actions.do(verb, this.item); },
      }, action.icon ? shape(action.icon) : null, action.word);
      return button;
    });
    const facts = el("dl", { class: "facts" });
    this.element.replaceChildren(
      el("div", { class: "top" }, el("p", { class: "kind" }, kind), el("button", { class: "close", "aria-label": "Close the details", onclick: close }, "×")),
      title,
      el("p", { class: "whole" }, el("code", {}, item.id), el("button", { class: "quiet", onclick: () => copied(item.id) }, "Copy", el("span", { class: "sr" }, " the id"))),
      state, message, bar, how,
      el("div", { class: "actions", role: "group", "aria-label": "Actions" }, buttons),
      facts,
      ...(isSnapshot(item) ? [] : [this.#report("Events", "events"), this.#report("Log", "logs")]),
    );
    this.#parts = { title, state, message, bar, how, buttons, facts, told: "" };
  }

  /** Something that is asked for when it is opened. */
  #report(title, kind) {
    const id = this.item.id;
    const text = el("pre", { tabindex: 0, "aria-label": title }, "");
    const again = el("button", { class: "quiet", onclick: () => load() }, "Again");
    const load = async () => {
      write(text, "…");
      try {
        const answer = await call("GET", `/sandboxes/${encodeURIComponent(id)}/diagnostics/${kind}?scope=all`);
        write(text, answer.content || "Nothing.");
        text.scrollTop = text.scrollHeight;
      } catch (error) {
        write(text, error.message);
      }
    };
    const box = el("details", { class: "report" }, el("summary", {}, title), text, again);
    box.addEventListener("toggle", () => { if (box.open) load(); });
    return box;
  }

  /** Brings up to date what is shown. */
  refresh() {
    const { item } = this;
    if (!item) return;
    const parts = this.#parts;
    const { status } = item;
    const { shape: name, tone } = look(isSnapshot(item) ? snapshotStates : sandboxStates, status.state);
    write(parts.title, isSnapshot(item) ? item.name || short(item.id) : item.metadata?.name || short(item.id));
    attribute(parts.state, "class", `now ${tone}`);
    draw(parts.state.firstChild, name);
    write(parts.state.children[1], status.state);
    write(parts.message, status.message ?? "");
    parts.message.hidden = !status.message;
    const how = status.progress ? progress(status.progress) : null;
    parts.bar.hidden = parts.how.hidden = !how;
    if (how) {
      if (how.share === null) parts.bar.removeAttribute("value");
      else parts.bar.value = how.share;
      write(parts.how, how.text);
    }
    const all = this.options.actions.actionsOf(item);
    for (const button of parts.buttons) {
      const against = all[button.dataset.does].against(item);
      attribute(button, "aria-disabled", against ? "true" : null);
      attribute(button, "title", against);
    }
    const facts = isSnapshot(item) ? this.#snapshotFacts(item) : this.#sandboxFacts(item);
    // Only what is said is compared, so that what has the focus, or is being selected, stays.
    const told = JSON.stringify(facts.map(([term, value]) => [term, value?.told ?? value]));
    if (told !== parts.told) {
      parts.told = told;
      parts.facts.replaceChildren(...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value?.make ? value.make() : value)]));
    }
    this.tick();
  }

  /** Brings up to date what time changes. */
  tick() {
    if (!this.item) return;
    const since = Date.parse(this.item.status.lastTransitionAt);
    write(this.#parts.state.children[2], `for ${duration((now() - since) / 1000)}`);
    for (const time of this.#parts.facts.querySelectorAll("[data-ticks]")) {
      const at = Date.parse(time.dateTime);
      const text = time.dataset.ticks === "left"
        ? (at > now() ? `in ${duration((at - now()) / 1000)}` : "due") : `${duration((now() - at) / 1000)} ago`;
      write(time, text);
      attribute(time, "aria-label", time.dataset.ticks === "left" ? `in ${spokenDuration((at - now()) / 1000)}` : `${spokenDuration((now() - at) / 1000)} ago`);
    }
  }

  // Facts: a term, and either a text or what is `told` with a function that makes it.

  #time(date, ticks) {
    return { told: date, make: () => [el("time", { datetime: date, dataset: { ticks } }), el("span", { class: "faint" }, ` ${moment(Date.parse(date))}`)] };
  }

  #link(item) {
    const list = isSnapshot(item) ? "snapshots" : "sandboxes";
    return el("a", { href: `#/${list}/${encodeURIComponent(item.id)}` }, item.name || short(item.id));
  }

  #links(items) {
    const shown = items.slice(0, 20);
    return {
      told: items.map((item) => [item.id, item.name, item.status.state]),
      make: () => el("ul", { class: "links" }, shown.map((item) => el("li", {}, this.#link(item), el("span", { class: "faint" }, ` ${item.status.state}`))),
        items.length > shown.length ? el("li", { class: "faint" }, `and ${items.length - shown.length} more`) : null),
    };
  }

  #map(map) {
    return { told: map, make: () => el("dl", { class: "map" }, Object.entries(map).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])) };
  }

  #code(text) { return { told: text, make: () => el("code", {}, text) }; }

  #sandboxFacts(item) {
    const { store } = this.options;
    const { descent } = store;
    const facts = [["Created", this.#time(item.createdAt, "past")]];
    if (!item.expiresAt) facts.push(["Expires", "never"]);
    else if (standsStill(item)) facts.push(["Expires", "Its time stands still while it is paused."]);
    else facts.push(["Expires", this.#time(item.expiresAt, "left")]);
    if (item.pausesAt && item.status.state === "Running") facts.push(["Pauses", this.#time(item.pausesAt, "left")]);
    const idle = idlePause(item);
    if (idle) facts.push(["Idle pause", `when it was not used for ${duration(idle)}`]);
    if (item.extensions?.["access.auto-resume"] === "true") facts.push(["Wakes", "when it is used"]);
    const source = item.snapshotId ? store.snapshots.get(item.snapshotId) : null;
    if (source) facts.push(["From", this.#links([source])]);
    else if (item.snapshotId) facts.push(["From", `the snapshot ${item.snapshotId}, which is no more`]);
    else if (item.image) facts.push(["Image", this.#code(item.image.uri)]);
    if (item.entrypoint?.length) facts.push(["Command", this.#code(item.entrypoint.join(" "))]);
    if (item.platform) facts.push(["Platform", `${item.platform.os}/${item.platform.arch}`]);
    if (item.metadata) facts.push(["Metadata", this.#map(item.metadata)]);
    if (item.extensions) facts.push(["Extensions", this.#map(item.extensions)]);
    if (item.status.reason) facts.push(["Reason", this.#code(item.status.reason)]);
    facts.push(...this.#artifactFacts(item.artifact, "Kept as"));
    const snapshots = descent.ofSandbox.get(item.id) ?? [];
    if (snapshots.length) facts.push([count(snapshots.length, "snapshot", "snapshots"), this.#links(snapshots)]);
    return facts;
  }

  #snapshotFacts(item) {
    const { store } = this.options;
    const { descent } = store;
    const facts = [["Created", this.#time(item.createdAt, "past")]];
    const line = store.lineage(item.id);
    const base = store.base(item);
    facts.push(["Lineage", {
      told: [base, line.map((one) => [one.id, one.name])],
      make: () => el("ol", { class: "lineage" },
        base ? el("li", {}, el("code", {}, base.startsWith("sha256:") ? `image ${shortDigest(base)}` : base)) : null,
        line.map((one) => el("li", { "aria-current": one.id === item.id ? "true" : null }, one.id === item.id ? el("strong", {}, one.name || short(one.id)) : this.#link(one)))),
    }]);
    const parent = store.parent(item);
    if (parent && !store.snapshots.has(parent)) facts.push(["Parent", `${parent}, which is no more`]);
    const sandbox = store.sandboxes.get(item.sandboxId);
    facts.push(["Of sandbox", sandbox ? this.#links([sandbox]) : `${item.sandboxId}, which is no more`]);
    facts.push(...this.#artifactFacts(item.artifact, "Image"));
    if (item.status.reason) facts.push(["Reason", this.#code(item.status.reason)]);
    const children = descent.children.get(item.id) ?? [];
    if (children.length) facts.push(["Snapshots of what came of it", this.#links(children)]);
    const made = descent.sandboxes.get(item.id) ?? [];
    if (made.length) facts.push([count(made.length, "sandbox from it", "sandboxes from it"), this.#links(made)]);
    return facts;
  }

  #artifactFacts(artifact, title) {
    if (!artifact) return [];
    const facts = artifact.parts.map((part) => [artifact.parts.length > 1 ? `${title} (${part.container})` : title, {
      told: part,
      make: () => el("dl", { class: "map" }, [
        ["reference", el("code", {}, part.reference)], ["digest", el("code", {}, part.digest)], ["size", bytes(part.size)],
        part.layers ? ["layers", String(part.layers)] : null, part.baseDigest ? ["base", el("code", {}, part.baseDigest)] : null,
      ].filter(Boolean).flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
    }]);
    const took = artifact.statistics;
    if (took) facts.push(["Capture", `${took.frozenMilliseconds} ms frozen, ${bytes(took.bytesRead)} read, ${bytes(took.bytesWritten)} stored`]);
    if (artifact.remark) facts.push(["Remark", artifact.remark]);
    return facts;
  }
}
