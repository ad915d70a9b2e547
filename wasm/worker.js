// Runs one kernel beside the page.
//
// Every message in is a Uint8Array, a Request; every message out is a Uint8Array, its Response, in
// the same order. Two messages are not: the string "ready" once the kernel can be asked, and
// {panic: text} when it has broken. After a panic nothing is answered any more; the page starts
// another worker and replays its log there.

import init, { fetch_rest, Kernel } from './kernel.js';

let kernel = null;
let broken = false;

async function start() {
  try {
    await init();
    kernel = new Kernel();
    postMessage('ready');
  } catch (error) {
    fail(`the kernel could not be loaded: ${error.message}`);
  }
}

async function answer(request) {
  if (broken) return;
  try {
    const response = kernel.handle(request) ?? (await fetch_rest(), kernel.handle_rest(request));
    postMessage(response, [response.buffer]);
  } catch (error) {
    fail(error.message);
  }
}

function fail(text) {
  broken = true;
  postMessage({ panic: text });
}

// Each request waits for the one before, and the first for the kernel.
let turn = start();
onmessage = ({ data }) => { turn = turn.then(() => answer(data)); };
