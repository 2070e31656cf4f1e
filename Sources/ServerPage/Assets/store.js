// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// What is known of sandboxes and snapshots, and which of them are wanted.

/** All that the server has told. Whoever listens hears of changes, but not more often than pictures are drawn. */
export class Store {
  sandboxes = new Map();
  snapshots = new Map();
  isComplete = false;
  #listeners = new Set();
  #seen = null;
  #derived = null;

  /** Calls a function after each change; it is given the identities that have changed. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A new stream tells everything; what it does not tell is gone. */
  begin() {
    this.#seen = { sandboxes: new Set(), snapshots: new Set() };
  }

  /** Takes a line of the stream. */
  take(line) {
    const changed = [];
    for (const sandbox of line.sandboxes ?? []) {
      this.#seen?.sandboxes.add(sandbox.id);
      this.sandboxes.set(sandbox.id, sandbox);
      changed.push(sandbox.id);
    }
    for (const snapshot of line.snapshots ?? []) {
      this.#seen?.snapshots.add(snapshot.id);
      this.snapshots.set(snapshot.id, snapshot);
      changed.push(snapshot.id);
    }
    for (const id of line.gone ?? []) if (this.sandboxes.delete(id)) changed.push(id);
    for (const id of line.goneSnapshots ?? []) if (this.snapshots.delete(id)) changed.push(id);
    if (line.complete) {
      for (const id of this.sandboxes.keys()) if (!this.#seen?.sandboxes.has(id)) { this.sandboxes.delete(id); changed.push(id); }
      for (const id of this.snapshots.keys()) if (!this.#seen?.snapshots.has(id)) { this.snapshots.delete(id); changed.push(id); }
      this.#seen = null;
      this.isComplete = true;
    }
    if (changed.length || line.complete) this.#tell(changed);
  }

  /** Forgets everything, as when somebody else's key is used. */
  clear() {
    this.sandboxes.clear();
    this.snapshots.clear();
    this.isComplete = false;
    this.#tell([]);
  }

  #tell(changed) {
    this.#derived = null;
    for (const listener of this.#listeners) listener(changed);
  }

  /** Resolves with what `find` finds, as soon as it finds something. */
  when(find, signal) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (!found) return;
        end();
        resolve(found);
      };
      const end = this.listen(look);
      signal?.addEventListener("abort", () => { end(); reject(signal.reason); });
      look();
    });
  }

  // Lineage

  /** The snapshot that another one's sandbox was created from, if that is known. */
  parent(snapshot) {
    return snapshot.parentSnapshotId ?? this.sandboxes.get(snapshot.sandboxId)?.snapshotId ?? null;
  }

  /** What came of each snapshot: other snapshots, and sandboxes. */
  get descent() {
    if (this.#derived) return this.#derived;
    const children = new Map();
    const sandboxes = new Map();
    const ofSandbox = new Map();
    const add = (map, key, value) => { const list = map.get(key); if (list) list.push(value); else map.set(key, [value]); };
    const newest = [...this.snapshots.values()].sort(byCreation);
    for (const snapshot of newest) {
      const parent = this.parent(snapshot);
      add(children, parent && this.snapshots.has(parent) && parent !== snapshot.id ? parent : null, snapshot);
      add(ofSandbox, snapshot.sandboxId, snapshot);
    }
    for (const sandbox of this.sandboxes.values()) if (sandbox.snapshotId) add(sandboxes, sandbox.snapshotId, sandbox);
    this.#derived = { children, sandboxes, ofSandbox };
    return this.#derived;
  }

  /** The way from the oldest ancestor to a snapshot, itself included. */
  lineage(id) {
    const line = [];
    for (let next = id; next && this.snapshots.has(next) && !line.some((one) => one.id === next);) {
      const snapshot = this.snapshots.get(next);
      line.unshift(snapshot);
      next = this.parent(snapshot);
    }
    return line;
  }

  /** What is at the bottom of a snapshot: the image by its name, if anybody still knows it, else by its digest. */
  base(snapshot) {
    const oldest = this.lineage(snapshot.id)[0] ?? snapshot;
    return this.sandboxes.get(oldest.sandboxId)?.image?.uri ?? snapshot.artifact?.parts?.find((part) => part.baseDigest)?.baseDigest ?? null;
  }
}

const byCreation = (left, right) => (left.createdAt < right.createdAt ? 1 : left.createdAt > right.createdAt ? -1 : left.id < right.id ? 1 : -1);

// Finding

const texts = new WeakMap();

/** All by which a sandbox or a snapshot is found, in lower case. Made once for each version of it. */
function text(item) {
  let text = texts.get(item);
  if (text === undefined) {
    text = [item.id, item.name, item.image?.uri, item.snapshotId, item.sandboxId, item.status.reason,
      ...Object.entries(item.metadata ?? {}).map(([key, value]) => `${key}=${value}`)]
      .filter(Boolean).join("\n").toLowerCase();
    texts.set(item, text);
  }
  return text;
}

/** Whether something is wanted: every word has to be found in it, `key=value` as metadata whose value begins so. */
export function matcher(filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return (item) => words.every((word) => {
    if (word.startsWith("state:")) return item.status.state.toLowerCase().startsWith(word.slice(6));
    return word.includes("=") && !word.startsWith("=") ? `\n${text(item)}`.includes(`\n${word}`) : text(item).includes(word);
  });
}

const late = "9999";
const orders = {
  created: byCreation,
  id: (left, right) => (left.id < right.id ? -1 : 1),
  state: (left, right) => left.status.state.localeCompare(right.status.state) || byCreation(left, right),
  expires: (left, right) => (left.expiresAt ?? late).localeCompare(right.expiresAt ?? late) || byCreation(left, right),
};

/** The sandboxes that are wanted, in an order, and how many there are of each state. */
export function chooseSandboxes(store, filter, states, order) {
  const matches = matcher(filter);
  const counts = new Map();
  const rows = [];
  for (const sandbox of store.sandboxes.values()) {
    if (filter && !matches(sandbox)) continue;
    const state = sandbox.status.state;
    counts.set(state, (counts.get(state) ?? 0) + 1);
    if (!states.size || states.has(state)) rows.push({ key: sandbox.id, item: sandbox, level: 1 });
  }
  const compare = orders[order.by] ?? byCreation;
  rows.sort((left, right) => (order.reversed ? compare(right.item, left.item) : compare(left.item, right.item)));
  return { rows, counts, found: rows.length };
}

/** The snapshots that are wanted, each below the one that it comes from. Ancestors of what is wanted are there too. */
export function chooseSnapshots(store, filter, states) {
  const matches = matcher(filter);
  const counts = new Map();
  const { children } = store.descent;
  let found = 0;
  const walk = (parent, level, seen) => (children.get(parent) ?? []).flatMap((snapshot) => {
    if (seen.has(snapshot.id)) return [];
    seen.add(snapshot.id);
    const below = walk(snapshot.id, level + 1, seen);
    let isWanted = matches(snapshot);
    if (isWanted) {
      const state = snapshot.status.state;
      counts.set(state, (counts.get(state) ?? 0) + 1);
      isWanted = !states.size || states.has(state);
      if (isWanted) found += 1;
    }
    if (!isWanted && !below.length) return [];
    return [{ key: snapshot.id, item: snapshot, level, isContext: !isWanted }, ...below];
  });
  return { rows: guided(walk(null, 1, new Set())), counts, found };
}

/** Lines from parents to children, a sign for each level: `|` goes on below, a backtick ends here, a blank is nothing. */
function guided(rows) {
  const goesOn = [];
  for (let place = rows.length - 1; place >= 0; place -= 1) {
    const row = rows[place];
    let guides = "";
    for (let level = 2; level <= row.level; level += 1) guides += goesOn[level] ? "|" : level === row.level ? "`" : " ";
    row.guides = guides.slice(-12);
    goesOn[row.level] = true;
    goesOn.length = row.level + 1;
  }
  return rows;
}
