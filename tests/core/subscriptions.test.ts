import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Match } from "../../src/core/match.ts";
import { Subscriptions, type Subscription } from "../../src/core/subscriptions.ts";
import { matches } from "../../src/core/topic.ts";
import { levels, session, subscription } from "./messages.ts";

const topic = fc
  .array(fc.constantFrom(...levels), { minLength: 1, maxLength: 4 })
  .map((names) => names.join("/"))
  .filter((name) => name !== "");
const filter = fc
  .tuple(
    fc.array(fc.constantFrom(...levels, "+"), { minLength: 1, maxLength: 4 }),
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
      group: fc.constantFrom(null, null, "g", "h"),
      qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      identifier: fc.constantFrom(0, 1, 2, 3),
    })
    .map(({ owner, pattern, ...more }) => subscription(owner, pattern, more)),
});

function keyOf({ session: owner, pattern, group }: Subscription): string {
  return `${owner.clientId} ${group ?? "-"} ${pattern}`;
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
  const found = list.filter(({ pattern }) => matches(pattern, name));
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
    ({ group, pattern }) => `${group} ${pattern}`,
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
        expect(tree.size).toBe(0);
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
