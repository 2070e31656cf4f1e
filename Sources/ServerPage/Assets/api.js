// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// The server: its public API, and the stream that tells what changes.

/** Where the server's paths begin: above `/ui/`, wherever somebody has put it. */
const root = new URL("..", new URL(location.pathname.replace(/[^/]*$/, ""), location.origin)).pathname.replace(/\/v1\/$/, "/");

const keyName = "stasis-api-key";

/** The key is kept by this tab alone, and forgotten with it. */
export const key = {
  get: () => sessionStorage.getItem(keyName),
  set: (value) => sessionStorage.setItem(keyName, value),
  forget: () => sessionStorage.removeItem(keyName),
};

/** Why something did not come about. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const headers = () => (key.get() ? { "OPEN-SANDBOX-API-KEY": key.get() } : {});

async function refusal(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // Whoever answered was not the server.
  }
  const issues = Array.isArray(body?.detail) ? body.detail.map((issue) => `${issue.loc?.slice(1).join(".")}: ${issue.msg}`).join("; ") : null;
  return new Refusal(response.status, body?.code ?? "", body?.message ?? issues ?? `The server answered ${response.status}.`);
}

/** Asks the API for something; the answer's JSON, or its text. */
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(`${root}v1${path}`, {
      method,
      headers: { ...headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
  } catch {
    throw new Refusal(0, "", "The server cannot be reached. Nothing is known of what became of the request.");
  }
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  return response.headers.get("Content-Type")?.startsWith("application/json") ? JSON.parse(text) : text;
}

/** How long the stream may be silent. The server says something every ten seconds. */
const silence = 30_000;

/** Follows what changes until the stream ends, and calls `tell` with each line. It throws what ended it. */
export async function follow(tell, signal) {
  const broken = new AbortController();
  const both = AbortSignal.any([signal, broken.signal]);
  let alarm = 0;
  const heard = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => broken.abort(), silence);
  };
  heard();
  try {
    const response = await fetch(`${root}ui/api/changes`, { headers: headers(), credentials: "omit", cache: "no-store", signal: both });
    if (!response.ok) throw await refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      heard();
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line) tell(JSON.parse(line));
    }
  } finally {
    clearTimeout(alarm);
  }
}
