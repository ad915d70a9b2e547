// Starts the page: the kernel's worker first, because it takes longest, then the page's module.
// Theme, language and the wish for no motion come before both, so that no one sees the wrong one.

const root = document.documentElement;
let settings = '';
try {
  settings = localStorage.getItem('glass-settings') ?? '';
} catch { /* storage is forbidden here; a choice lasts as long as the page */ }
root.dataset.theme = / theme=(light|dark)/.exec(settings)?.[1] ?? 'auto';
const isGerman = (/ lang=(en|de)/.exec(settings)?.[1] ?? navigator.languages[0]?.slice(0, 2)) === 'de';
if (isGerman) root.lang = 'de';
if (settings.includes(' motion=off')) root.dataset.motion = 'off';

// The page adopts this worker (see carrier.rs) and needs to know whether it spoke already.
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.addEventListener('message', () => { worker.isReady = true; }, { once: true });
globalThis.glassWorker = worker;

// The module waits for the texts of its language (see language.rs), and speaks English without them.
if (isGerman) {
  globalThis.glassWords = fetch('words.de.txt').then((response) => (response.ok ? response.text() : '')).catch(() => '');
}

import('./keeper.js').catch(() => {}); // opens the database of sessions; the page's module uses it

try {
  const { default: init } = await import('./frontend.js');
  await init();
} catch (error) {
  const text = document.createElement('p');
  text.className = 'noscript';
  text.setAttribute('role', 'alert');
  text.textContent = `${isGerman ? 'Die Seite konnte nicht starten' : 'The page could not start'}: ${error.message ?? error}`;
  document.body.prepend(text);
  throw error;
}
