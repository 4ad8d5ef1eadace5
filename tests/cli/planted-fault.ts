import { AssertionFault } from "../../src/core/assert.ts";

/** Loaded before the program: printing breaks in the way that the environment names. */

const way = process.env["PLANTED_FAULT"];

process.stdout.write = () => {
  if (way === "throw") throw new AssertionFault("planted");
  if (way === "later") setTimeout(throwPlanted, 0);
  if (way === "reject") void Promise.reject(new AssertionFault("planted"));
  return true;
};

function throwPlanted(): never {
  throw new AssertionFault("planted");
}
