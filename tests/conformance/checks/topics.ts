import { connect, flag, publish, subscribe, text, will } from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { same, Skip } from "../disagreement.ts";
import type { Scene } from "../scene.ts";

/** Filters, topics that they match, and topics that they do not. */
type Row = readonly [filter: string, matches: readonly string[], others: readonly string[]];

/** Each row with a subscription of its own; a last message marks the end. */
async function judge(s: Scene, rows: readonly Row[]): Promise<void> {
  const source = await s.connect("source");
  for (const [filter, matches, others] of rows) {
    const peer = await s.connect("judge");
    await peer.subscribe(s.topic(filter), { qos: 1 });
    await peer.subscribe(s.topic("end-of-row"), { qos: 1 });
    for (const topic of [...others, ...matches]) {
      await source.publish(s.topic(topic), filter, { qos: 1 });
    }
    await source.publish(s.topic("end-of-row"), "", { qos: 1 });
    const expected = matches.map((topic) => `${s.topic(topic)}=${filter}`);
    await peer.receives(...expected, `${s.topic("end-of-row")}=`);
  }
}

export const topics: Group = {
  name: "topic names and filters",
  checks: [
    check("v4-4.7.1-2 v5-4.7.1-1", "# is a whole level, and the last", async (s) => {
      for (const filter of ["a#", "a/b#", "#/a", "a/#/b", "##", "#+"]) {
        await s.filterRefused(s.topic(filter));
      }
      await judge(s, [
        ["a/#", ["a", "a/b", "a/b/c", "a/"], ["b", "ab", "b/a"]],
        ["a/b/#", ["a/b", "a/b/c/d"], ["a", "a/bc"]],
        ["/#", ["/", "/a/b"], ["a"]],
      ]);
    }),
    check("v4-4.7.1-3 v5-4.7.1-2", "+ is a whole level, anywhere", async (s) => {
      for (const filter of ["a+", "+a", "a/b+", "a/+b/c", "++"]) {
        await s.filterRefused(s.topic(filter));
      }
      await judge(s, [
        ["a/+", ["a/b", "a/"], ["a", "a/b/c", "b/b"]],
        ["+/a", ["b/a", "/a"], ["a", "b/b/a"]],
        ["a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/d"]],
        ["+", ["a", "b"], ["a/b", "/"]],
        ["+/+", ["a/b", "/b", "/"], ["a", "a/b/c"]],
        ["+/b/#", ["a/b", "a/b/c/d"], ["b", "a/c/b"]],
      ]);
    }),
    check("v4-4.7.1-1 v5-4.7.0-1", "a wildcard in a Will Topic is refused", async (s) => {
      const flags = flag.clean | flag.will;
      for (const topic of ["a/#", "+/b"]) {
        const fields = [will(s.version, topic, "gone")];
        await s.refused(connect(s.version, s.id("w"), { flags, fields }));
      }
    }),
    check(
      "v4-4.7.2-1 v5-4.7.2-1",
      "filters that begin with a wildcard do not match topics that begin with $",
      async (s) => {
        const topic = `$${s.topic("x")}`;
        const level = topic.slice(0, topic.indexOf("/"));
        const source = await s.connect("source");
        const wild = await s.connect("wild");
        const named = await s.connect("named");
        await source.publish(topic, "kept", { retain: true });
        await wild.subscribeMany([
          ["#", {}],
          [`+${topic.slice(level.length)}`, {}],
          ["+/#", {}],
        ]);
        await named.subscribe(`${level}/#`);
        await source.publish(topic, "m");
        await source.publish(s.topic("end"), "");
        await s.quiet();
        const came = wild.deliveries().filter((message) => message.topic === topic);
        same("number that came is", came.length, 0);
        const ends = wild.deliveries().filter((message) => message.topic === s.topic("end"));
        same("others came:", ends.length > 0, true);
        if (named.deliveries().length === 0) throw new Skip(`nobody may publish on ${level}`);
      },
    ),
    check("v4-4.7.3-1 v5-4.7.3-1", "an empty name or filter is refused", async (s) => {
      await s.closedBy(publish(s.version, ""));
      await s.filterRefused("");
      const parts = { flags: flag.clean | flag.will, fields: [will(s.version, "", "gone")] };
      await s.refused(connect(s.version, s.id("w"), parts));
      await judge(s, [["/", ["/"], ["a", "//"]]]);
    }),
    check(
      "v4-4.7.3-2 v5-4.7.3-2",
      "U+0000 in a name or filter closes the connection",
      async (s) => {
        await s.closedBy(publish(s.version, [0x61, 0x00]));
        await s.closedBy(subscribe(s.version, [0x61, 0x00, 0x2f, 0x23]));
      },
    ),
    check("v4-4.7.3-3 v5-4.7.3-3", "names and filters of 65,535 bytes work", async (s) => {
      const peer = await s.connect();
      const topic = s.topic("").padEnd(65_535, "x");
      await peer.subscribe(topic);
      await peer.publish(topic, "m");
      await peer.receives(`${topic}=m`);
      same("its bytes are", text(topic).length, 65_537);
    }),
    check("v4-4.7.3-4 v5-4.7.3-4", "names are compared as they are", async (s) => {
      await judge(s, [
        ["caf\u00e9", ["caf\u00e9"], ["cafe\u0301", "CAF\u00c9", "cafe"]],
        ["A/b", ["A/b"], ["a/b", "A/b/", "/A/b", "A//b", "A/./b"]],
        ["a b", ["a b"], ["a%20b", "ab", " a b", "a b "]],
        ["\u00a0\u00a3\u07ff\u0800\ud7ff\ue000", ["\u00a0\u00a3\u07ff\u0800\ud7ff\ue000"], ["x"]],
        ["\u{10000}\u{10fffd}\ufffd", ["\u{10000}\u{10fffd}\ufffd"], ["\u{10000}\u{10fffc}\ufffd"]],
        ["\u{1f600}/\ufffd", ["\u{1f600}/\ufffd"], ["\u{1f601}/\ufffd", "?/?"]],
      ]);
    }),
  ],
};
