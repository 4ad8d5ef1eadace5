import { expect, test } from "bun:test";
import { configKeys, dotted, valuePaths } from "../../src/config/keys.ts";
import { load } from "../../src/config/load.ts";
import { settableKeys } from "../../src/config/settable.ts";
import { sources } from "./sources.ts";

test("every key of --set is there, with its meaning and what it allows", () => {
  const keys = settableKeys();
  expect(keys.map(({ path }) => path)).toEqual(valuePaths(configKeys(), 0).map(dotted));
  expect(keys.filter(({ text, allowed }) => !text.endsWith(".") || allowed === "")).toEqual([]);
});

test("every word of a key is one of its values", () => {
  for (const { path, words } of settableKeys()) {
    for (const word of words) {
      const result = load(sources({ set: [`${path}=${word}`] }));
      // Keys that need others say so; the word itself is right.
      const wrong = result.ok ? [] : result.problems.filter((line) => line.includes("unknown"));
      const refused = result.ok
        ? []
        : result.problems.filter((line) => line.includes(`found "${word}"`));
      expect({ path, word, wrong, refused }).toEqual({ path, word, wrong: [], refused: [] });
    }
  }
});

test("a size, a choice, a word, and an item of a list", () => {
  const of = (path: string) => settableKeys().find((key) => key.path === path);
  expect(of("limits.packetSize")).toEqual({
    path: "limits.packetSize",
    text: "Size of a packet from a client; sent to v5 clients (Maximum Packet Size).",
    allowed: "a size from 64B to 256MiB",
    words: [],
  });
  expect(of("listeners.0.transport")?.words).toEqual(["tcp", "tls", "ws", "wss", "unix"]);
  expect(of("limits.sessionExpiryMax")?.words).toEqual(["never"]);
  expect(settableKeys(3).map(({ path }) => path)).toContain("listeners.3.tls.cert");
});
