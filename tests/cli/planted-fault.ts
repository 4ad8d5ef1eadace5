import { AssertionFault } from "../../src/core/assert.ts";

/**
 * Loaded before the program: makes printing, or an answer, fail in the way that the environment
 * names.
 */

const way = process.env["PLANTED_FAULT"];

if (way === "answer") {
  // The heartbeat asks for the resident size alone.
  const rss = process.memoryUsage.rss.bind(process.memoryUsage);
  Object.assign(process, { memoryUsage: Object.assign(throwPlanted, { rss }) });
} else {
  process.stdout.write = () => {
    if (way === "throw") throw new AssertionFault("planted");
    // Planted: outside of the command's own calls.
    if (way === "later") setTimeout(throwPlanted, 0);
    if (way === "reject") void Promise.reject(new AssertionFault("planted"));
    return true;
  };
}

function throwPlanted(): never {
  throw new AssertionFault("planted");
}
