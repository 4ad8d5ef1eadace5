import { expect, test } from "bun:test";
import fc from "fast-check";
import { isServerOwned, matches, sharedFilter, utf8Length } from "../../src/core/topic.ts";

test("v4-4.7.1, v5-4.7.1: the examples of the standard", () => {
  const matching = [
    ["sport/tennis/player1/#", "sport/tennis/player1"],
    ["sport/tennis/player1/#", "sport/tennis/player1/ranking"],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
    ["sport/#", "sport"],
    ["#", "sport/tennis"],
    ["sport/tennis/+", "sport/tennis/player1"],
    ["sport/+", "sport/"],
    ["+/+", "/finance"],
    ["/+", "/finance"],
    ["+/tennis/#", "sport/tennis/player1"],
    ["$SYS/#", "$SYS/monitor/Clients"],
    ["$SYS/monitor/+", "$SYS/monitor/Clients"],
    ["ACCOUNTS", "ACCOUNTS"],
    ["Accounts payable", "Accounts payable"],
  ] as const;
  for (const [filter, topic] of matching)
    expect([filter, topic, matches(filter, topic)]).toEqual([filter, topic, true]);
  const others = [
    ["sport/tennis/+", "sport/tennis/player1/ranking"],
    ["sport/+", "sport"],
    ["+", "/finance"],
    ["#", "$SYS/monitor"],
    ["+/monitor/Clients", "$SYS/monitor/Clients"],
    ["ACCOUNTS", "Accounts"],
    ["/finance", "finance"],
    ["a", "a/"],
    ["a/", "a"],
    ["a//b", "a/b"],
  ] as const;
  for (const [filter, topic] of others)
    expect([filter, topic, matches(filter, topic)]).toEqual([filter, topic, false]);
});

test("v5-4.8.2: a shared filter is split", () => {
  expect(sharedFilter("$share/group/a/+/#")).toEqual({ group: "group", filter: "a/+/#" });
  expect(sharedFilter("$share/group//a")).toEqual({ group: "group", filter: "/a" });
  for (const ordinary of ["a", "share/g/a", "$share", "$share/", "$share/g", "$shared/g/a"]) {
    expect(sharedFilter(ordinary)).toBeNull();
  }
});

test("$SYS alone belongs to the server", () => {
  expect(["$SYS", "$SYS/x"].every((topic) => isServerOwned(topic))).toBe(true);
  expect(["$SYSTEM", "$sys/x", "SYS", "a/$SYS", "$"].some((topic) => isServerOwned(topic))).toBe(
    false,
  );
});

test("the length of a text in UTF-8", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("a", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "🔑"),
      }),
      (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      },
    ),
  );
});
