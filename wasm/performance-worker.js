// Measures the kernel's work beside the page.
//
// Messages in are {offered: true}, {make: [name, size]} and {round: milliseconds}; each is answered in
// turn by {done: value} or {error: text}. Work that was made stays until other work is.

import init, { Bench, offered } from './performance.js';

let bench = null;

function answer({ make, round }) {
  if (round) return bench.round(round);
  if (!make) return offered();
  bench?.free();
  bench = null; // its memory goes before that of the next is taken
  bench = new Bench(...make);
  return true;
}

const ready = init();
ready.catch(() => {}); // whoever asks is told
onmessage = async ({ data }) => {
  try {
    await ready;
    postMessage({ done: answer(data) });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
