import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Match } from "../../src/core/match.ts";
import { Subscriptions, type Subscription } from "../../src/core/subscriptions.ts";
import { isHidden, matches } from "../../src/core/topic.ts";
import { levels, session, subscription } from "./messages.ts";

const topic = fc
  .array(fc.constantFrom(...levels), { minLength: 1, maxLength: 6 })
  .map((names) => names.join("/"))
  .filter((name) => name !== "");
const filter = fc
  .tuple(
    fc.array(fc.constantFrom(...levels, "+"), { minLength: 1, maxLength: 6 }),
    fc.constantFrom("", "", "/#"),
  )
  .map(([names, end]) => names.join("/") + end)
  .filter((name) => name !== "");
const owners = ["s0", "s1", "s2"].map(session);

interface Step {
  readonly remove: boolean;
  readonly subscription: Subscription;
}

const step: fc.Arbitrary<Step> = fc.record({
  remove: fc.constantFrom(false, false, true),
  subscription: fc
    .record({
      owner: fc.constantFrom(...owners),
      pattern: filter,
      mount: fc.constantFrom("", "", "", "a/", "a/b/"),
      group: fc.constantFrom(null, null, "g", "h"),
      qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      identifier: fc.constantFrom(0, 1, 2, 3),
    })
    .map(({ owner, pattern, mount, ...more }) =>
      subscription(owner, mount + pattern, { ...more, mountLength: mount.length }),
    ),
});

function keyOf({ session: owner, pattern, group, mountLength }: Subscription): string {
  return `${owner.clientId} ${group === null ? "-" : `${group} ${mountLength}`} ${pattern}`;
}

/** A match in a comparable form. */
function plain({ recipients, withoutLocal, groups }: Match): unknown {
  const recipient = (one: Match["recipients"][number] | null) =>
    one && [
      one.session.clientId,
      one.qos,
      one.retainAsPublished,
      one.identifiers?.toSorted((a, b) => a - b) ?? null,
    ];
  return {
    recipients: recipients.map((one) => JSON.stringify(recipient(one))).toSorted(),
    withoutLocal: [...withoutLocal]
      .map(([owner, rest]) => JSON.stringify([owner.clientId, recipient(rest)]))
      .toSorted(),
    groups: groups
      .map(({ name, members }) =>
        JSON.stringify([name, members.map(({ shared }) => keyOf(shared)).toSorted()]),
      )
      .toSorted(),
  };
}

/** The same by the plain definition, from a list. */
function expectedFrom(list: readonly Subscription[], name: string): unknown {
  const found = list.filter(
    ({ pattern, mountLength }) =>
      matches(pattern, name) && (mountLength === 0 || !isHidden(pattern, name, mountLength)),
  );
  const merge = (own: readonly Subscription[]) => {
    const first = own[0];
    if (first === undefined) return null;
    const identifiers = own.map(({ identifier }) => identifier).filter((one) => one !== 0);
    return {
      session: first.session,
      qos: ([0, 1, 2] as const).findLast((qos) => own.some((one) => one.qos === qos)) ?? 0,
      retainAsPublished: own.some((one) => one.retainAsPublished),
      identifiers: identifiers.length === 0 ? null : identifiers,
      shared: null,
      lastCopy: null,
    };
  };
  const ofOwner = owners.map((owner) =>
    found.filter((one) => one.session === owner && one.group === null),
  );
  const groups = Map.groupBy(
    found.filter(({ group }) => group !== null),
    ({ group, pattern, mountLength }) => `${group} ${mountLength} ${pattern}`,
  );
  return plain({
    recipients: ofOwner.flatMap((own) => merge(own) ?? []),
    withoutLocal: new Map(
      ofOwner
        .filter((own) => own.some(({ noLocal }) => noLocal))
        .flatMap((own) => {
          const owner = own[0]?.session;
          return owner === undefined
            ? []
            : [[owner, merge(own.filter(({ noLocal }) => !noLocal))] as const];
        }),
    ),
    groups: [...groups.values()].map((members) => ({
      name: members[0]?.group ?? "",
      members: members.map((shared) => ({ ...shared, identifiers: null, shared, lastCopy: null })),
      bySession: new Map(),
      turn: 0,
    })),
  });
}

test("the tree finds the same as the plain definition", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(topic, { minLength: 1, maxLength: 10 }),
      (steps, topics) => {
        const tree = new Subscriptions();
        const list = new Map<string, Subscription>();
        for (const { remove, subscription: one } of steps) {
          if (remove) {
            tree.remove(one);
            list.delete(keyOf(one));
          } else {
            tree.add(one);
            list.set(keyOf(one), one);
          }
          expect(tree.size).toBe(list.size);
        }
        for (const name of topics) {
          expect(plain(tree.match(name))).toEqual(expectedFrom([...list.values()], name));
        }
        for (const one of list.values()) tree.remove(one);
        expect([tree.size, tree.held]).toEqual([0, 0]);
        for (const name of topics) {
          expect(tree.match(name)).toEqual({
            recipients: [],
            withoutLocal: new Map(),
            groups: [],
          });
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("removing a missing subscription changes nothing", () => {
  const tree = new Subscriptions();
  const [owner, other] = owners;
  if (owner === undefined || other === undefined) throw new Error("there are owners");
  tree.add(subscription(owner, "a/b"));
  for (const [who, pattern, group] of [
    [other, "a/b", null],
    [owner, "a", null],
    [owner, "a/b/c", null],
    [owner, "a/b", "g"],
  ] as const) {
    tree.remove(subscription(who, pattern, { group }));
  }
  expect(tree.size).toBe(1);
  expect(tree.match("a/b").recipients).toHaveLength(1);
});

test("a group's turn stays with its member when another one leaves", () => {
  const tree = new Subscriptions();
  for (const owner of owners) tree.add(subscription(owner, "t", { group: "g" }));
  const [group] = tree.match("t").groups;
  if (group === undefined || owners[0] === undefined) throw new Error("there is a group");
  group.turn = 2;
  tree.remove(subscription(owners[0], "t", { group: "g" }));
  expect(group.members[group.turn]?.session.clientId).toBe("s2");
});

/** At each level `#` stands first, then the end of the pattern, then a name, then `+`. */
function byOrder(a: string, b: string): number {
  const rank = (level: string | undefined) =>
    level === "#" ? 0 : level === undefined ? 1 : level === "+" ? 3 : 2;
  const [one, other] = [a.split("/"), b.split("/")];
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const difference = rank(one[index]) - rank(other[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

test("recipients stand in the order of their patterns, whatever the order of their SUBSCRIBEs", () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter, { maxLength: 30 }), topic, (patterns, name) => {
      const tree = new Subscriptions();
      for (const pattern of patterns) tree.add(subscription(session(pattern), pattern));
      const found = tree.match(name).recipients.map(({ session: owner }) => owner.clientId);
      const expected = patterns.filter((pattern) => matches(pattern, name)).toSorted(byOrder);
      expect(found).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test("a topic that nobody has published before shares the match of one with the same filters", () => {
  const tree = new Subscriptions();
  for (let index = 0; index < 10; index++) tree.add(subscription(session(`s${index}`), "r/#"));
  const match = tree.match("r/1");
  expect(tree.match("r/2")).toBe(match);
  tree.add(subscription(session("late"), "r/+"));
  expect(tree.match("r/2").recipients).toHaveLength(11);
  expect(tree.match("r")).not.toBe(tree.match("r/2"));
});

const shapes = fc.array(
  fc.tuple(
    fc.array(fc.constantFrom("a", "+"), { minLength: 8, maxLength: 8 }),
    fc.constantFrom("none", "a/none", "none/a", "#"),
  ),
  { maxLength: 200 },
);

test("a match takes no more steps than there are shapes at each level of the topic", () => {
  fc.assert(
    fc.property(shapes, (drawn) => {
      const tree = new Subscriptions();
      const used = new Set<string>();
      for (const [names, end] of drawn) {
        tree.add(subscription(session("s"), `${names.join("/")}/${end}`));
        used.add(names.join());
      }
      const name = "a/a/a/a/a/a/a/a/a/x";
      const before = tree.steps;
      const { length } = tree.match(name).recipients;
      expect(tree.steps - before - length).toBeLessThanOrEqual(
        Math.max(1, used.size) * (name.split("/").length + 1),
      );
    }),
  );
});

test("the limit of shapes counts sets of levels with + beyond the sixth level of the client", () => {
  const tree = new Subscriptions();
  const owner = session("s");
  const add = (pattern: string, mountLength = 0): boolean => {
    const hasRoom = tree.hasRoomFor(pattern, mountLength, 2);
    if (hasRoom) tree.add(subscription(owner, pattern, { mountLength }));
    return hasRoom;
  };
  expect(add("+/+/+/+/+/+/a/b/c/#")).toBe(true);
  expect(add("m/1/2/3/4/5/+", "m/".length)).toBe(true);
  expect(add("1/2/3/4/5/6/+")).toBe(true);
  expect(add("1/2/3/4/5/6/+/a")).toBe(true);
  expect(add("1/2/3/4/5/6/7/+")).toBe(true);
  expect(add("1/2/3/4/5/6/7/8/+")).toBe(false);
  expect(add("+/2/3/4/5/6/7/+")).toBe(false);
  expect(add("+/2/3/4/5/6/7/8")).toBe(true);
  tree.remove(subscription(owner, "1/2/3/4/5/6/+"));
  expect(add("1/2/3/4/5/6/7/8/+")).toBe(false);
  tree.remove(subscription(owner, "1/2/3/4/5/6/+/a"));
  expect(add("1/2/3/4/5/6/7/8/+")).toBe(true);
});
