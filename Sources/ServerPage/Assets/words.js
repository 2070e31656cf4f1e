// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// How things are said.

/** The states of sandboxes: a shape and a tone for each, in the order in which they are listed. */
export const sandboxStates = {
  Running: { shape: "dot", tone: "good" },
  Paused: { shape: "bars", tone: "calm" },
  Pausing: { shape: "left", tone: "busy" },
  Resuming: { shape: "right", tone: "busy" },
  Pending: { shape: "ring", tone: "busy" },
  Stopping: { shape: "frame", tone: "dull" },
  Terminated: { shape: "square", tone: "dull" },
  Failed: { shape: "warning", tone: "bad" },
};

/** The states of snapshots. */
export const snapshotStates = {
  Ready: { shape: "check", tone: "good" },
  Creating: { shape: "left", tone: "busy" },
  Deleting: { shape: "frame", tone: "dull" },
  Failed: { shape: "warning", tone: "bad" },
};

/** How a state looks, also one that nobody has heard of. */
export const look = (states, state) => states[state] ?? { shape: "ring", tone: "dull" };

const numbers = new Intl.NumberFormat("en");
export const number = (value) => numbers.format(value);

/** `1 sandbox`, `2 sandboxes`. */
export const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

/** The beginning of an identity that is long, for people. */
export const short = (id) => (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? id.slice(0, 8) : id.length > 20 ? `${id.slice(0, 19)}…` : id);

/** The beginning of a digest. */
export const shortDigest = (digest) => digest.replace(/^sha256:/, "").slice(0, 12);

/** `512 B`, `37.5 MiB`, `1.2 GiB`. */
export function bytes(value) {
  if (value === undefined || value === null) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let size = Math.max(0, value);
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1).replace(/\.0$/, "")} ${units[unit]}`;
}

const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

/** `12s`, `4m 10s`, `5h 12m`, `3d 4h`, `120d`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0s";
  const [name, size] = units[first];
  const big = Math.floor(whole / size);
  const next = units[first + 1];
  const small = next ? Math.floor((whole % size) / next[1]) : 0;
  return big >= 10 && name === "d" || small === 0 ? `${big}${name}` : `${big}${name} ${small}${next[0]}`;
}

/** The same for those who listen: `4 minutes 10 seconds`. */
export const spokenDuration = (seconds) =>
  duration(seconds).replace(/(\d+)([dhms])/g, (_, value, unit) =>
    count(Number(value), ...{ d: ["day", "days"], h: ["hour", "hours"], m: ["minute", "minutes"], s: ["second", "seconds"] }[unit]));

const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
export const moment = (date) => moments.format(date);

/** How far the server's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;
export const setServerTime = (date) => { ahead = date - Date.now(); };
export const now = () => Date.now() + ahead;

/** How far a capture is: `copying 45% of 1.2 GiB`, with a share from 0 to 1 if that is known. */
export function progress(progress) {
  const { stage, bytesRead, bytesWritten, bytesTotal } = progress;
  if (bytesTotal > 0) {
    const share = Math.min(1, bytesRead / bytesTotal);
    return { share, percent: `${Math.floor(share * 100)}%`, text: `${stage}: ${Math.floor(share * 100)}% of ${bytes(bytesTotal)}, ${bytes(bytesWritten)} stored` };
  }
  return { share: null, percent: "", text: bytesRead > 0 ? `${stage}: ${bytes(bytesRead)} read, ${bytes(bytesWritten)} stored` : stage };
}
