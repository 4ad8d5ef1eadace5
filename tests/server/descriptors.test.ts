import { expect, test } from "bun:test";
import { withinDescriptors } from "../../src/server/descriptors.ts";

const line = (value: string) => () =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files  ${value}  files\n`;
const wanted = { clients: 10_000, administration: 256 };

test("the descriptor limit leaves room for the process itself, and for the administration", () => {
  const none = { ...wanted, administration: 0 };
  expect(withinDescriptors(none, line("1024 20000"))).toEqual({
    ...{ clients: 924, links: 924, administration: 0 },
  });
  const few = { ...wanted, administration: 10 };
  expect(withinDescriptors(few, line("1024 20000"))).toEqual({
    ...{ clients: 904, links: 904, administration: 10 },
  });
});

test("the administration has at most a quarter of a low limit", () => {
  const found = withinDescriptors(wanted, line("500 500"));
  expect(found).toEqual({ clients: 300, links: 300, administration: 50 });
});

test("a tiny limit still allows one client", () => {
  expect(withinDescriptors(wanted, line("64 64"))).toEqual({
    ...{ clients: 1, links: 1, administration: 1 },
  });
});

test("an unlimited, a high or an unknown number changes nothing", () => {
  const all = { ...wanted, links: Infinity };
  expect(withinDescriptors(wanted, line("unlimited unlimited"))).toEqual(all);
  expect(withinDescriptors(wanted, line("20000 20000"))).toEqual({ ...wanted, links: 19_388 });
  const missing = () => {
    throw new Error("no such file");
  };
  expect(withinDescriptors(wanted, missing)).toEqual(all);
});
