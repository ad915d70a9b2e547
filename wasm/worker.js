// Runs one kernel beside the page.
//
// Every message in is a Uint8Array, a Request; every message out is a Uint8Array, its Response, in
// the same order. Two messages are not: the string "ready" once the kernel can be asked, and
// {panic: text} when it has broken. After a panic nothing is answered any more; the page starts
// another worker and replays its log there.

import init, { Kernel } from './kernel.js';

const early = []; // requests that came before the kernel did
let kernel = null;
let broken = false;

function answer(request) {
  if (broken) return;
  try {
    const response = kernel.handle(request);
    postMessage(response, [response.buffer]);
  } catch (error) {
    fail(error.message);
  }
}

function fail(text) {
  broken = true;
  postMessage({ panic: text });
}

onmessage = ({ data }) => (kernel ? answer(data) : early.push(data));

try {
  await init();
  kernel = new Kernel();
  postMessage('ready');
  early.splice(0).forEach(answer);
} catch (error) {
  fail(`the kernel could not be loaded: ${error.message}`);
}
