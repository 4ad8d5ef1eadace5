import { expect, test } from "bun:test";
import { connectionsByDescriptors } from "../../src/server/descriptors.ts";

const line = (value: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files  ${value}  files\n`;

test("the descriptor limit leaves room for the process itself", () => {
  expect(connectionsByDescriptors(() => line("1024 20000"))).toBe(924);
});

test("a tiny limit still lets one client in", () => {
  expect(connectionsByDescriptors(() => line("64 64"))).toBe(1);
});

test("an unlimited or unknown number is no limit", () => {
  expect(connectionsByDescriptors(() => line("unlimited unlimited"))).toBe(Infinity);
  const missing = () => {
    throw new Error("no such file");
  };
  expect(connectionsByDescriptors(missing)).toBe(Infinity);
});
