// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import { call, Refusal } from "./api.js";
import { ask, whole } from "./dialogs.js";
import { el, shape, write } from "./dom.js";
import { count, moment, now, progress, short } from "./words.js";

export const isSnapshot = (item) => "sandboxId" in item;

/** What can be done with sandboxes and snapshots: the word on the button, the key, and what stands against it now. */
export const sandboxActions = {
  pause: { word: "Pause", key: "p", icon: "bars", against: (item) => (item.status.state === "Running" ? null : "Only a sandbox that runs can be paused.") },
  resume: { word: "Resume", key: "r", icon: "play", against: (item) => (item.status.state === "Paused" ? null : "Only a paused sandbox can be resumed.") },
  snapshot: { word: "Snapshot", key: "s", against: (item) => (item.status.state === "Running" ? null : "A snapshot can be taken only of a sandbox that runs.") },
  fork: { word: "Fork", key: "f", against: (item) => (item.status.state === "Running" ? null : "Only a sandbox that runs can be forked.") },
  renew: { word: "Expiry", key: "e", against: (item) => (item.expiresAt ? null : "It was created without a time to live, and never expires.") },
  delete: { word: "Delete", key: "Delete", isDangerous: true, against: (item) => (item.status.state === "Stopping" ? "It is being deleted already." : null) },
};

export const snapshotActions = {
  fork: { word: "New sandbox", key: "f", against: (item) => (item.status.state === "Ready" ? null : "Only a snapshot that is ready can be started from.") },
  delete: { word: "Delete", key: "Delete", isDangerous: true, against: (item) => (item.status.state === "Creating" ? "It is still being taken." : null) },
};

/** The messages in the corner, which are read aloud as they come. */
export class Notes {
  #box = document.getElementById("notes");
  #announcer = document.getElementById("announcer");

  /** Has a sentence read to those who listen. */
  say(sentence) {
    write(this.#announcer, "");
    setTimeout(() => write(this.#announcer, sentence), 50);
  }

  /** Shows a message: `tone` is `good`, `bad` or `busy`. Bad ones stay until somebody has seen them. `ids` of sandboxes become links. */
  show(tone, text, ids = []) {
    const links = ids.map((id) => el("a", { href: `#/sandboxes/${encodeURIComponent(id)}` }, short(id)));
    const words = el("p", {}, text, links.flatMap((link) => [" ", link]));
    const bar = el("progress", { hidden: true, "aria-label": "Progress" });
    const note = el("div", { class: `note ${tone}`, role: tone === "bad" ? "alert" : null },
      shape({ good: "check", bad: "warning", busy: "left" }[tone]), el("div", {}, words, bar),
      el("button", { class: "close", "aria-label": "Dismiss", onclick: () => note.remove() }, "×"));
    this.#box.append(note);
    if (tone !== "bad") this.say(text);
    const fade = () => setTimeout(() => (note.matches(":hover, :focus-within") ? fade() : note.remove()), 7000);
    if (tone === "good") fade();
    return {
      update(text, share) {
        write(words, text);
        bar.hidden = share === undefined;
        if (share === null) bar.removeAttribute("value");
        else if (share !== undefined) bar.value = share;
      },
      end: () => note.remove(),
    };
  }
}

/** Does what is asked for, by the API, and tells how it ended. */
export class Actions {
  /** What somebody is waiting for: identities with what they were asked to become. */
  #awaited = new Map();

  constructor(store, notes, isRefused) {
    this.store = store;
    this.notes = notes;
    this.isRefused = isRefused;
    store.listen((changed) => changed.forEach((id) => this.#look(id)));
  }

  actionsOf(item) { return isSnapshot(item) ? snapshotActions : sandboxActions; }

  /** Does something with a sandbox or a snapshot, if it can be done. */
  async do(verb, item) {
    const action = this.actionsOf(item)[verb];
    if (!action) return;
    const against = action.against(item);
    if (against) return void this.notes.show("bad", `${short(item.id)}: ${against}`);
    try {
      await this[isSnapshot(item) ? `${verb}Snapshot` : verb](item);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.isRefused(error)) return;
      this.notes.show("bad", `${action.word} of ${short(item.id)}: ${error.message}${error.code ? ` (${error.code})` : ""}`);
    }
  }

  // Sandboxes

  async pause(sandbox) {
    this.#await(sandbox, "Paused", "Running", "is paused", "was not paused");
    await this.#send(sandbox, "POST", `/sandboxes/${encodeURIComponent(sandbox.id)}/pause`);
    this.notes.say(`Pausing ${short(sandbox.id)}`);
  }

  async resume(sandbox) {
    this.#await(sandbox, "Running", "Paused", "runs", "was not resumed");
    await this.#send(sandbox, "POST", `/sandboxes/${encodeURIComponent(sandbox.id)}/resume`);
    this.notes.say(`Resuming ${short(sandbox.id)}`);
  }

  async snapshot(sandbox) {
    const answer = await ask({
      title: `Snapshot of ${short(sandbox.id)}`,
      text: ["The sandbox stands still for a moment, and then runs on."],
      fields: [{ name: "name", label: "Name", hint: "What you call it; it need not be unique.", maxlength: 200 }],
      accept: "Take it",
    });
    if (!answer) return;
    const snapshot = await this.#capture(sandbox, answer.name);
    this.notes.show("good", `The snapshot ${answer.name || short(snapshot.id)} of ${short(sandbox.id)} is ready.`);
  }

  async fork(sandbox) {
    const answer = await ask({
      title: `Fork ${short(sandbox.id)}`,
      text: ["A snapshot is taken, and other sandboxes are created from it with the same command, environment, limits and metadata."],
      fields: [
        { name: "count", label: "How many", type: "number", min: 1, max: 20, value: "1", read: whole("How many", 1, 20) },
        timeoutField(sandbox.expiresAt),
        { name: "keeps", label: "Keep the snapshot", type: "checkbox", hint: "Otherwise it is deleted once they are there, who live on without it." },
      ],
      accept: "Fork",
    });
    if (!answer) return;
    const snapshot = await this.#capture(sandbox, `fork of ${short(sandbox.id)}`);
    await this.#create(snapshot, answer, {
      ...likeness(sandbox), extensions: { ...extensionsOf(sandbox), "stasis.dev/like": sandbox.id }, resourceLimits: {},
    }, short(sandbox.id));
    if (!answer.keeps) {
      await this.#send(snapshot, "DELETE", `/snapshots/${encodeURIComponent(snapshot.id)}`);
    }
  }

  async renew(sandbox) {
    const choices = [["600", "10 minutes from now"], ["3600", "1 hour from now"], ["86400", "1 day from now"], ["604800", "7 days from now"]];
    const answer = await ask({
      title: `When ${short(sandbox.id)} expires`,
      text: [`Now: ${moment(Date.parse(sandbox.expiresAt))}. It is deleted then, and what was not kept by a snapshot is lost.`],
      fields: [{ name: "seconds", label: "From now on", options: choices, value: "3600" }],
      accept: "Change",
    });
    if (!answer) return;
    const date = new Date(now() + Number(answer.seconds) * 1000);
    await this.#send(sandbox, "POST", `/sandboxes/${encodeURIComponent(sandbox.id)}/renew-expiration`, { expiresAt: date.toISOString() });
    this.notes.show("good", `${short(sandbox.id)} expires ${moment(date.getTime())}.`);
  }

  async delete(sandbox) {
    const snapshots = this.store.descent.ofSandbox.get(sandbox.id)?.length ?? 0;
    const answer = await ask({
      title: `Delete ${short(sandbox.id)}?`,
      text: [
        `The sandbox ${sandbox.id} and all that is in it ${sandbox.status.state === "Paused" ? "and in its image " : ""}will be gone.`,
        snapshots ? `Its ${count(snapshots, "snapshot stays", "snapshots stay")}.` : "There is no snapshot of it.",
      ],
      accept: "Delete",
      isDangerous: true,
    });
    if (!answer) return;
    await this.#send(sandbox, "DELETE", `/sandboxes/${encodeURIComponent(sandbox.id)}`);
    this.notes.show("good", `${short(sandbox.id)} is deleted.`);
  }

  // Snapshots

  async forkSnapshot(snapshot) {
    const source = this.store.sandboxes.get(snapshot.sandboxId);
    const answer = await ask({
      title: `New sandbox from ${snapshot.name || short(snapshot.id)}`,
      text: [source
        ? `It is given the command, environment, limits and metadata of ${short(source.id)}, of which the snapshot was taken.`
        : "The sandbox of which it was taken is no more, so what it is to run and to have has to be said."],
      fields: [
        { name: "count", label: "How many", type: "number", min: 1, max: 20, value: "1", read: whole("How many", 1, 20) },
        timeoutField(source?.expiresAt),
        ...(source ? [] : [
          { name: "command", label: "Command", value: "tail -f /dev/null", hint: "Words are separated by spaces.", read: (text) => { if (!text) throw new Error("A command is needed."); return text; } },
          { name: "cpu", label: "CPU", value: "1", hint: "Such as 500m." },
          { name: "memory", label: "Memory", value: "2Gi", hint: "Such as 512Mi." },
        ]),
      ],
      accept: "Create",
    });
    if (!answer) return;
    const body = source
      ? { ...likeness(source), extensions: { ...extensionsOf(source), "stasis.dev/like": source.id }, resourceLimits: {} }
      : { entrypoint: answer.command.split(/\s+/), resourceLimits: Object.fromEntries([["cpu", answer.cpu], ["memory", answer.memory]].filter(([, value]) => value)) };
    await this.#create(snapshot, answer, body, snapshot.name || short(snapshot.id));
  }

  async deleteSnapshot(snapshot) {
    const made = this.store.descent.sandboxes.get(snapshot.id)?.length ?? 0;
    const answer = await ask({
      title: `Delete ${snapshot.name || short(snapshot.id)}?`,
      text: [
        `The snapshot ${snapshot.id} will be gone, and nothing can be created from it any more.`,
        made ? `${count(made, "sandbox that was created from it lives on", "sandboxes that were created from it live on")}.` : "No sandbox that is there was created from it.",
      ],
      accept: "Delete",
      isDangerous: true,
    });
    if (!answer) return;
    await this.#send(snapshot, "DELETE", `/snapshots/${encodeURIComponent(snapshot.id)}`);
    this.notes.show("good", `The snapshot ${snapshot.name || short(snapshot.id)} is deleted.`);
  }

  // How

  /** Takes a snapshot, shows how far it is, and answers with it when it is ready. */
  async #capture(sandbox, name) {
    const begun = await call("POST", `/sandboxes/${encodeURIComponent(sandbox.id)}/snapshots`, name ? { name } : {});
    this.store.take({ snapshots: [begun] });
    const note = this.notes.show("busy", `Taking a snapshot of ${short(sandbox.id)}`);
    const watch = this.store.listen((changed) => {
      const snapshot = changed.includes(begun.id) ? this.store.snapshots.get(begun.id) : null;
      if (!snapshot?.status.progress) return;
      const how = progress(snapshot.status.progress);
      note.update(`Taking a snapshot of ${short(sandbox.id)}: ${how.text}`, how.share);
    });
    try {
      const settled = await this.store.when(() => {
        const snapshot = this.store.snapshots.get(begun.id);
        return !snapshot ? { status: { state: "Failed", message: "It is no more." } } : snapshot.status.state === "Creating" ? null : snapshot;
      });
      if (settled.status.state !== "Ready") {
        throw new Refusal(0, settled.status.reason ?? "", settled.status.message ?? "The snapshot was not taken.");
      }
      return settled;
    } finally {
      watch();
      note.end();
    }
  }

  /** Creates sandboxes from a snapshot, a few at a time. */
  async #create(snapshot, { count: wanted, minutes }, body, name) {
    const note = this.notes.show("busy", `Creating ${count(wanted, "sandbox", "sandboxes")} from ${name}`);
    const made = [];
    const refusals = [];
    const request = { ...body, snapshotId: snapshot.id, ...(minutes ? { timeout: minutes * 60 } : {}) };
    let next = 0;
    const worker = async () => {
      while (next < wanted) {
        next += 1;
        try {
          const sandbox = await call("POST", "/sandboxes", request);
          made.push(sandbox.id);
          await this.#refresh(sandbox.id);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          refusals.push(error);
        }
        note.update(`Creating sandboxes from ${name}: ${made.length} of ${wanted}`, made.length / wanted);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(4, wanted) }, worker));
    } finally {
      note.end();
    }
    if (made.length) this.notes.show("good", `${count(made.length, "sandbox was", "sandboxes were")} created from ${name}:`, made);
    if (refusals.length) throw refusals[0];
  }

  /** Sends a request about something, and sees at once what has become of it. */
  async #send(item, method, path, body) {
    try {
      await call(method, path, body);
    } catch (error) {
      this.#awaited.delete(item.id);
      throw error;
    } finally {
      if (!isSnapshot(item)) await this.#refresh(item.id);
    }
  }

  async #refresh(id) {
    try {
      this.store.take({ sandboxes: [await call("GET", `/sandboxes/${encodeURIComponent(id)}`)] });
    } catch (error) {
      if (error.status === 404) this.store.take({ gone: [id] });
    }
  }

  #await(sandbox, goal, back, good, bad) {
    this.#awaited.set(sandbox.id, { goal, back, good, bad, hasLeft: false });
  }

  /** Tells how something ended that somebody is waiting for. */
  #look(id) {
    const awaited = this.#awaited.get(id);
    if (!awaited) return;
    const status = this.store.sandboxes.get(id)?.status;
    if (!status) return void this.#awaited.delete(id);
    if (status.state === awaited.goal) {
      this.notes.show("good", `${short(id)} ${awaited.good}.`);
    } else if (status.state === "Failed" || (status.state === awaited.back && awaited.hasLeft)) {
      this.notes.show("bad", `${short(id)} ${awaited.bad}: ${status.message ?? status.reason ?? "the server does not say why"}`);
    } else {
      if (status.state !== awaited.back) awaited.hasLeft = true;
      return;
    }
    this.#awaited.delete(id);
  }
}

/** What another sandbox has that a new one is to have as well. */
const likeness = (sandbox) => ({ entrypoint: sandbox.entrypoint, metadata: sandbox.metadata ?? {} });

/** The extensions of a sandbox without the pool, of which nothing that starts from a snapshot is. */
const extensionsOf = (sandbox) => Object.fromEntries(Object.entries(sandbox.extensions ?? {}).filter(([name]) => name !== "poolRef"));

const timeoutField = (expiresAt) => ({
  name: "minutes", label: "Minutes until it expires", type: "number", min: 1,
  value: expiresAt ? String(Math.max(1, Math.ceil((Date.parse(expiresAt) - now()) / 60000))) : "",
  hint: "Empty: it never expires.", read: whole("The minutes", 1, 5_000_000, true),
});
