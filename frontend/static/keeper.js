// Keeps sessions in the browser's database, and does what only the browser can for links.
//
// A session is a row of `sessions`, its lines are rows of `lines` under [session, index], and lines
// that were dropped by running in the past are under its id in `branches`. Every change is one
// transaction, so a tab that dies leaves either the session before the change or after it. What the
// rows mean is decided in Rust (state/library.rs); here they are only moved.

// What went wrong, for the page to say in its language: see `carrier::in_words`.
const told = (what, detail = '') => new Error(`told ${what} ${detail}`);

const STORES = { sessions: { keyPath: 'id' }, lines: {}, branches: {} };
const NOTE_AFTER = 250; // ms; a session that is played writes where it stands four times a second
const here = 'glass-here'; // in this tab's sessionStorage: "ID STEP STEPS"
const some = 'glass-kept'; // in localStorage once a session was stored

// Opened while the page's module is still on its way.
const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open('glass', 1);
  asked.onupgradeneeded = () => {
    for (const [name, options] of Object.entries(STORES)) asked.result.createObjectStore(name, options);
  };
  asked.onsuccess = () => {
    asked.result.onversionchange = () => asked.result.close();
    resolve(asked.result);
  };
  asked.onerror = () => reject(asked.error);
  asked.onblocked = () => reject(told('blocked'));
  setTimeout(() => reject(told('no-database')), 5000);
});
opened.catch(() => {}); // whoever asks is told

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// Runs `act` on the stores in one transaction; resolves with its result once all is stored.
async function transact(mode, act) {
  const transaction = (await opened).transaction(Object.keys(STORES), mode);
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error ?? told('full'));
  });
  ended.catch(() => {});
  const stores = Object.fromEntries(Object.keys(STORES).map((name) => [name, transaction.objectStore(name)]));
  try {
    const result = await act(stores);
    await ended;
    return result;
  } catch (error) {
    // All or nothing; what has ended by itself can't be ended again.
    try { transaction.abort(); } catch { /* as said */ }
    throw error?.name === 'AbortError' ? transaction.error ?? error : error;
  }
}

const all = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, '0')).join('');

// --- whose session it is -----------------------------------------------------------------------

let release = () => {};

// Makes `id` this tab's session; false if another tab has it. Where tabs can't agree, each may.
async function claim(id) {
  release();
  release = () => {};
  if (!navigator.locks) return true;
  // The page that this one replaces may still hold its session for a moment.
  const options = stood()[0] === id ? { signal: AbortSignal.timeout(400) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const asked = navigator.locks.request(`glass-session-${id}`, options, (lock) => {
      resolve(!!lock);
      return lock && new Promise((end) => { release = end; });
    });
    asked.catch((error) => resolve(error.name !== 'TimeoutError' && error.name !== 'AbortError'));
  });
}

// --- the journal -------------------------------------------------------------------------------

let pending = null;
let timer = 0;

// Whether there may be sessions. Making the database takes longer than starting a kernel, so a first
// visit does not wait for it.
export function mayHave() {
  try {
    return localStorage.getItem(some) !== null || sessionStorage.getItem(here) !== null;
  } catch {
    return true; // nothing is remembered here, so the database has to be asked
  }
}

// Finds the session to begin with: this tab's last one or the latest, of the lab `lab` if that is
// not empty. A session that another tab has comes as a copy, without an id.
export async function start(lab) {
  const [id, step, steps] = stood();
  const rows = await list();
  transact('readwrite', (stores) => Promise.all(rows.filter((row) => row.gone).map((row) => erase(stores, row.id))))
    .catch(() => {});
  const fits = rows.filter((row) => !row.gone && (!lab || ` ${row.heading}`.includes(` lab=${lab}@`)));
  const row = fits.find((row) => row.id === id) ?? fits[0];
  if (!row) return null;
  const kept = await take(row.id);
  // What this tab noted last may not have reached the database before the reload.
  if (kept && row.id === id && Number(steps) === kept.lines.length) {
    Object.assign(kept.row, { step: Number(step), steps: Number(steps) });
  }
  return kept;
}

function stood() {
  try {
    return (sessionStorage.getItem(here) ?? '').split(' ');
  } catch {
    return [];
  }
}

// The session `id` as {row, lines, branches, isCopy}; it is this tab's from now on.
export async function take(id) {
  const kept = await read(id);
  if (!kept) return null;
  kept.isCopy = !(await claim(id));
  return kept;
}

// The session `id`, for a look.
export async function read(id) {
  return transact('readonly', async ({ sessions, lines, branches }) => {
    const [row, rows, tails] = await Promise.all(
      [sessions.get(id), lines.getAll(all(id)), branches.get(id)].map(done),
    );
    return row && { row, lines: rows, branches: tails ?? [], isCopy: false };
  });
}

// Writes `lines` from index `from` on, and nothing after them; `branches` only if they are given.
// A row without an id is a new session. Returns the id.
export async function save(row, from, lines, branches) {
  if (pending?.id === row.id) stopNote();
  else writeNote();
  const isNew = !row.id;
  if (isNew) {
    try { localStorage.setItem(some, '1'); } catch { /* then the database is asked each time */ }
    row.id = newId();
    await claim(row.id);
  }
  await transact('readwrite', async (stores) => {
    const old = await done(stores.sessions.get(row.id));
    stores.sessions.put(dated(old, row));
    stores.lines.delete(IDBKeyRange.bound([row.id, from], [row.id, Infinity]));
    lines.forEach((line, index) => stores.lines.put(line, [row.id, from + index]));
    if (branches) stores.branches.put(branches, row.id);
  });
  remember(row);
  // From now on there is something to keep; a browser that refuses may still keep it.
  if (isNew) navigator.storage?.persist?.().catch(() => {});
  return row.id;
}

// Notes where a session stands: now, or soon.
export function note(row, isUrgent) {
  remember(row);
  pending = row;
  if (isUrgent) writeNote();
  else timer ||= setTimeout(writeNote, NOTE_AFTER);
}

function writeNote() {
  const row = pending;
  stopNote();
  if (!row) return;
  transact('readwrite', async ({ sessions }) => {
    const old = await done(sessions.get(row.id));
    if (old) sessions.put(dated(old, row));
  }).catch(() => {});
}

function stopNote() {
  clearTimeout(timer);
  [pending, timer] = [null, 0];
}

addEventListener('pagehide', writeNote);

function remember(row) {
  try {
    sessionStorage.setItem(here, `${row.id} ${row.step} ${row.steps}`);
  } catch { /* then the database alone remembers */ }
}

// This tab has no session any more.
export function leave() {
  writeNote();
  release();
  release = () => {};
  try {
    sessionStorage.removeItem(here);
  } catch { /* there was nothing to forget */ }
}

const dated = (old, row) => ({ ...old, ...row, created: old?.created ?? Date.now(), changed: Date.now() });

// --- the list ----------------------------------------------------------------------------------

// All sessions, the latest first.
export async function list() {
  const rows = await transact('readonly', ({ sessions }) => done(sessions.getAll()));
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  for (const row of rows) row.when = format.format(row.changed);
  return rows.sort((a, b) => b.changed - a.changed);
}

// Changes fields of a row.
const alter = (id, change) => transact('readwrite', async ({ sessions }) => {
  const row = await done(sessions.get(id));
  if (row) sessions.put({ ...row, ...change });
});

export const rename = (id, name) => alter(id, { name });

// Marks a session as gone, or not. What is gone is erased at the next start.
export const bury = (id, gone) => alter(id, { gone });

// Stores a session that no tab has open.
export function add(row, lines, branches) {
  const id = newId();
  return transact('readwrite', async (stores) => {
    stores.sessions.put(dated(null, { ...row, id }));
    lines.forEach((line, index) => stores.lines.put(line, [id, index]));
    stores.branches.put(branches, id);
  });
}

export async function duplicate(id) {
  const kept = await read(id);
  if (kept) await add({ ...kept.row, name: `${kept.row.name} (copy)` }, kept.lines, kept.branches);
}

function erase({ sessions, lines, branches }, id) {
  return Promise.all([sessions.delete(id), lines.delete(all(id)), branches.delete(id)].map(done));
}

// --- links and files ---------------------------------------------------------------------------

// Bytes as deflate in base64url.
export async function pack(bytes) {
  const packed = await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'))).arrayBuffer();
  let text = '';
  for (const byte of new Uint8Array(packed)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// The bytes that `pack` was given, if they are no more than `max`.
export async function unpack(text, max) {
  const packed = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done: isEnd, value } = await reader.read();
    if (isEnd) break;
    length += value.length;
    if (length > max) {
      reader.cancel();
      throw told('long', max);
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

// Leaves a log with the server; the answer is its name there.
export async function deposit(bytes) {
  const response = await fetch('api/links', { method: 'POST', body: bytes });
  if (!response.ok) throw told('status', response.status);
  return (await response.json()).id;
}

// The log that was left with the server under this name.
export async function withdraw(id) {
  const response = await fetch(`api/links/${id}`);
  if (response.status === 404) throw told('no-log');
  if (!response.ok) throw told('status', response.status);
  return new Uint8Array(await response.arrayBuffer());
}

// Offers bytes as a file.
export function download(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes]));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export const copyText = async (text) => navigator.clipboard.writeText(text);

// --- without a network -------------------------------------------------------------------------

// Keeps the page's files, and calls `ready` when a newer version of them is there.
export async function register(ready) {
  const container = navigator.serviceWorker;
  if (!container) return;
  try {
    const wasControlled = !!container.controller;
    const registration = await container.register('./sw.js');
    // A version that came during the last visit is there already; this visit is its turn. The first
    // version of all waits as well, for a moment, while there is none that is active.
    if (registration.waiting && registration.active && !document.querySelector('#console-input')?.value) return update();
    registration.addEventListener('updatefound', () => {
      const coming = registration.installing;
      coming?.addEventListener('statechange', () => {
        if (coming.state === 'installed' && container.controller) ready();
      });
    });
    // Another tab let the newer version take over.
    if (wasControlled) container.addEventListener('controllerchange', () => ready());
  } catch { /* this site has no such file, or the browser forbids it: then it needs the network */ }
}

// Lets the newer version take over, here and in the other tabs.
export async function update() {
  const registration = await navigator.serviceWorker.getRegistration();
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  if (registration?.waiting) registration.waiting.postMessage('take over');
  else location.reload();
}

// --- live sessions -----------------------------------------------------------------------------

// Two names for a session that is to be followed: one to follow by, one to publish by.
export async function announce() {
  const response = await fetch('api/live', { method: 'POST' });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw answer.error ? new Error(answer.error) : told('no-server');
  return [answer.id, answer.key];
}

// The names under which this tab shares, also after it was loaded anew; sets them, or forgets them (null).
export function livePass(names) {
  try {
    if (names) sessionStorage.setItem('glass-live', names.join(' '));
    if (names === null) sessionStorage.removeItem('glass-live');
    return sessionStorage.getItem('glass-live')?.split(' ');
  } catch { /* a page in a sandbox has no such thing */ }
}

// A WebSocket to `path`, on which `key` goes first. `heard` gets true when it is open, then the bytes of each
// message, and at the end why and whether there is no use in trying again.
export function listen(path, key, heard) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let isOpen = false;
  let isOver = false;
  const hear = (what) => isOver || heard(what);
  socket.onopen = () => {
    isOpen = true;
    if (key) socket.send(key);
    hear(true);
  };
  socket.onmessage = ({ data }) => hear(new Uint8Array(data));
  socket.onclose = async ({ code, reason }) => {
    let isFinal = code === 1000 || code === 1008;
    if (!isOpen) {
      // The answer to a WebSocket's request is hidden from pages; the same address tells it.
      try {
        const response = await fetch(path);
        isFinal = response.status === 404;
        if (response.status !== 426) reason = (await response.json()).error;
      } catch { /* nobody answers */ }
    }
    hear([reason || told('broke').message, isFinal]);
  };
  return {
    tell: (bytes) => socket.readyState === 1 && socket.send(bytes),
    hangUp: () => { isOver = true; socket.close(); },
  };
}
