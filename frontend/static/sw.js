// Keeps the page's files, so that it starts without a network, and a new kernel without its server.
//
// The build writes the names of all its files here, each with the beginning of its SHA-256. Files are
// kept under name and hash, so a new version fetches what has changed and nothing else, and its
// files lie beside the old ones until it takes over; that is when no tab shows the old version any
// more, or when someone asks for it. A file that is not what the build made, because the site is
// just being replaced, ends the installation; the browser tries again later. Twelve letters, 72 bits,
// tell versions of a file apart; whoever can put files on the site can change this one as well.

const FILES = new Map(/* files */);
const CACHE = 'glass';

const base = new URL('./', location.href);
const key = (name) => new URL(`${name}?${encodeURIComponent(FILES.get(name))}`, base).href;

// The name of one of our files, or undefined. A folder is its index.
function nameOf(address) {
  const url = new URL(address);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return undefined;
  const name = url.pathname.slice(base.pathname.length).replace(/(^|\/)$/, '$1index.html');
  return FILES.has(name) ? name : undefined;
}

// What stands behind the name of a file with these bytes.
async function hashOf(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return btoa(String.fromCharCode(...hash.subarray(0, 9)));
}

async function install() {
  const cache = await caches.open(CACHE);
  const fetchOne = async (name) => {
    if (await cache.match(key(name))) return;
    const response = await fetch(new URL(name, base), { cache: 'no-cache' });
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    const hash = await hashOf(await response.clone().arrayBuffer());
    if (hash !== FILES.get(name)) throw new Error(`${name} is of another version`);
    await cache.put(key(name), response);
  };
  await Promise.all([...FILES.keys()].map(fetchOne));
}

async function activate() {
  // A page that is built for editing it keeps nothing.
  if (FILES.size === 0) return Promise.all([self.registration.unregister(), caches.delete(CACHE)]);
  const cache = await caches.open(CACHE);
  const wanted = new Set([...FILES.keys()].map(key));
  const kept = await cache.keys();
  await Promise.all(kept.filter(({ url }) => !wanted.has(url)).map((request) => cache.delete(request)));
  return self.clients.claim();
}

async function answer(request, name) {
  const kept = await (await caches.open(CACHE)).match(key(name));
  // The browser may have cleared the cache; the network still has it.
  return kept ?? fetch(request);
}

oninstall = (event) => event.waitUntil(FILES.size === 0 ? self.skipWaiting() : install());
onactivate = (event) => event.waitUntil(activate());
onmessage = ({ data }) => { if (data === 'take over') self.skipWaiting(); };

onfetch = (event) => {
  const { request } = event;
  if (request.method !== 'GET' || FILES.size === 0) return;
  const name = nameOf(request.url);
  if (name) {
    event.respondWith(answer(request, name));
  } else if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => answer(request, 'index.html')));
  }
};
