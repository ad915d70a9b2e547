// Starts the page: the kernel's worker first, because it takes longest, then the page's module.
// The theme comes before both, so that no one sees the wrong one.

const root = document.documentElement;
try {
  root.dataset.theme = / theme=(light|dark)/.exec(localStorage.getItem('glass-settings'))?.[1] ?? 'auto';
} catch {
  root.dataset.theme = 'auto'; // storage is forbidden here; the choice lasts as long as the page
}

// The page adopts this worker (see carrier.rs) and needs to know whether it spoke already.
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.addEventListener('message', () => { worker.isReady = true; }, { once: true });
globalThis.glassWorker = worker;

import('./keeper.js').catch(() => {}); // opens the database of sessions; the page's module uses it

try {
  const { default: init } = await import('./frontend.js');
  await init();
} catch (error) {
  const text = document.createElement('p');
  text.className = 'noscript';
  text.setAttribute('role', 'alert');
  text.textContent = `The page could not start: ${error.message ?? error}`;
  document.body.prepend(text);
  throw error;
}
