import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Principal } from "../../src/core/access.ts";
import { type AccessLine, AccessList, everybody } from "../../src/core/access-list.ts";
import type { Grant } from "../../src/core/rule-tree.ts";
import { isHidden, isVisibleThroughMount, matches } from "../../src/core/topic.ts";

/** Lines as in a file: `user NAME`, `topic ...` and `pattern ...`. */
function listOf(...lines: readonly string[]): AccessList {
  const list = new AccessList("acl");
  let user: string | null = null;
  for (const [index, text] of lines.entries()) {
    const [kind = "", ...words] = text.split(" ");
    if (kind === "user") user = words.join(" ");
    if (kind === "user") continue;
    const grant = (words.length === 1 ? "readwrite" : words[0]) as Grant;
    const filter = words.at(-1) ?? "";
    list.add({
      ...{ line: index + 1, text, grant, filter },
      user: kind === "pattern" ? everybody : user,
    });
  }
  return list;
}

const ann: Principal = { clientId: "dev-42", username: "ann" };
const nobody: Principal = { clientId: "dev-42", username: null };

describe("what decides", () => {
  const list = listOf(
    "topic read news/#",
    "user ann",
    "topic home/#",
    "topic deny home/safe/#",
    "topic write log",
    "pattern read to/%u/%c/+",
    "pattern write from/%c",
    "pattern deny home/kitchen",
  );

  test.each([
    [nobody, "read", "news/a", true, "acl:1 'topic read news/#'"],
    [nobody, "read", "news", true, "acl:1 'topic read news/#'"],
    [nobody, "write", "news/a", false, "no line of acl"],
    [ann, "read", "news/a", false, "no line of acl"],
    [ann, "write", "home/a/b", true, "acl:3 'topic home/#'"],
    [ann, "write", "home/safe", false, "acl:4 'topic deny home/safe/#'"],
    [ann, "read", "home/safe/x", false, "acl:4 'topic deny home/safe/#'"],
    [ann, "read", "log", false, "no line of acl"],
    [ann, "write", "log", true, "acl:5 'topic write log'"],
    [ann, "read", "to/ann/dev-42/x", true, "acl:6 'pattern read to/%u/%c/+'"],
    [ann, "read", "to/bob/dev-42/x", false, "no line of acl"],
    [nobody, "read", "to/null/dev-42/x", false, "no line of acl"],
    [nobody, "write", "from/dev-42", true, "acl:7 'pattern write from/%c'"],
    // The lines of a user come before the patterns.
    [ann, "read", "home/kitchen", true, "acl:3 'topic home/#'"],
    [nobody, "read", "home/kitchen", false, "acl:8 'pattern deny home/kitchen'"],
    [ann, "read", "$SYS/broker/uptime", false, "no line of acl"],
  ] as const)("%o %s %s: %p", (who, action, topic, allowed, by) => {
    expect(list.rightsOf(who).verdict(action, topic)).toMatchObject({ allowed, by });
  });

  test.each(["dev/+", "dev/#", "#", "a/b", "+"])(
    "no pattern is for a client id such as %s",
    (id) => {
      const rights = listOf("topic own", "pattern at/%c/#", "pattern all").rightsOf({
        clientId: id,
        username: null,
      });
      for (const topic of [`at/${id}/x`, "at/dev/x", "at/a/b/x", "all"]) {
        expect(rights.mayWrite(topic)).toBe(false);
        expect(rights.verdict("write", topic).by).toBe(
          "no line of acl, and no pattern applies to a client id or user name with +, # or /",
        );
      }
      expect(rights.mayWrite("own")).toBe(true);
      expect(rights.maySubscribe("at/#", 0).allowed).toBe(false);
    },
  );
});

describe("SUBSCRIBE is refused only where no topic can be read", () => {
  test.each([
    [["topic read a/+/c"], "a/b/#", true],
    [["topic read a/+/c"], "a/b", false],
    [["topic read a/#"], "+", true],
    [["topic read a/#"], "+/b/c", true],
    [["topic read a/#"], "b/#", false],
    [["topic write a/#"], "a/#", false],
    [["topic read #"], "$SYS/#", false],
    [["topic read $SYS/#"], "#", false],
    [["topic read $SYS/#"], "$SYS/broker/+", true],
    [["topic read a/#", "topic deny a/#"], "#", false],
    [["topic read a/#", "topic deny a/+"], "a/+", false],
    [["topic read a/#", "topic deny a/+"], "a/#", true],
    [["topic read a/#", "topic deny a", "topic deny a/+/#"], "#", false],
    [["topic read a/#", "topic deny a/+", "topic deny a/+/+/#"], "#", true],
    [["topic read a/b", "topic deny a/b"], "a/+", false],
    [["topic read a/b", "topic read a/c", "topic deny a/b"], "a/+", true],
    // Literals never deny all of a level.
    [["topic read +", "topic deny a", "topic deny b"], "+", true],
    [["pattern read %c/in", "topic deny dev-42/#"], "+/in", false],
    [["pattern read %c/in"], "dev-43/in", false],
    [["pattern read %c/in"], "+/+", true],
  ] as const)("%j, %s: %p", (lines, filter, granted) => {
    expect(
      listOf(...lines)
        .rightsOf(nobody)
        .maySubscribe(filter, 0).allowed,
    ).toBe(granted);
  });

  test("what a mount point hides is no topic that it could read", () => {
    const maySubscribe = (...lines: string[]): boolean =>
      listOf(...lines)
        .rightsOf(nobody)
        .maySubscribe("lab/#", 4).allowed;
    expect(maySubscribe("topic read lab")).toBe(false);
    expect(maySubscribe("topic read lab/$SYS/x")).toBe(false);
    expect(maySubscribe("topic read lab/+")).toBe(true);
  });
});

/** A few names, so that lines, filters and topics often meet. */
const level = fc.constantFrom("a", "b", "$x", "dev-42", "");
const wild = fc.oneof({ weight: 3, arbitrary: level }, { weight: 1, arbitrary: fc.constant("+") });
const template = fc.oneof(
  { weight: 4, arbitrary: wild },
  { weight: 1, arbitrary: fc.constantFrom("%c", "%u", "x%c") },
);

function filterOf(one: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(one, { minLength: 0, maxLength: 3 }), one, fc.boolean())
    .map(([levels, last, isOpen]) => [...levels, isOpen ? "#" : last].join("/"))
    .filter((filter) => filter !== "");
}

const line = fc.record({
  user: fc.constantFrom<AccessLine["user"][]>("ann", null, everybody),
  grant: fc.constantFrom<Grant[]>("read", "write", "readwrite", "deny", "deny"),
  filter: filterOf(template),
});
const who = fc.record({
  clientId: fc.constantFrom("dev-42", "a", "a/b", "+"),
  username: fc.constantFrom("ann", "bob", null),
});

/** By the words of the format, line by line: the list's own tree is not used. */
function naively(
  lines: readonly Pick<AccessLine, "user" | "grant" | "filter">[],
  { clientId, username }: Principal,
  action: "read" | "write",
  topic: string,
): boolean {
  const isUnfit = /[+#/]/.test(clientId + (username ?? ""));
  const own = lines.filter(({ user }) => user === username);
  const patterns = lines
    .filter(({ user, filter }) => user === everybody && (username !== null || !/%u/.test(filter)))
    .map(({ filter, ...rest }) => ({
      ...rest,
      filter: filter.replaceAll("%c", clientId).replaceAll("%u", username ?? ""),
    }));
  for (const block of isUnfit ? [own] : [own, patterns]) {
    const found = block.filter(({ filter }) => matches(filter, topic));
    if (found.some(({ grant }) => grant === "deny")) return false;
    if (found.some(({ grant }) => grant === action || grant === "readwrite")) return true;
  }
  return false;
}

function built(lines: readonly Pick<AccessLine, "user" | "grant" | "filter">[]): AccessList {
  const list = new AccessList("acl");
  for (const [index, one] of lines.entries()) list.add({ line: index + 1, text: "", ...one });
  return list;
}

test("each topic is decided as the format says, line by line", () => {
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join("/"));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), who, topic, (lines, client, name) => {
      const rights = built(lines).rightsOf(client);
      expect([rights.mayRead(name), rights.mayWrite(name)]).toEqual([
        naively(lines, client, "read", name),
        naively(lines, client, "write", name),
      ]);
    }),
    { numRuns: 5000 },
  );
});

test("a filter is granted exactly where some topic that it matches may be read", () => {
  // One name more than the lines have, and one level more than their longest.
  const names = ["a", "b", "$x", "dev-42", "", "xdev-42", "ann", "bob", "other"];
  const topics = [...names];
  for (let from = 0, depth = 1; depth < 5; depth++) {
    const to = topics.length;
    for (; from < to; from++) {
      for (const name of depth < 3 ? names : ["a", "other"]) topics.push(`${topics[from]}/${name}`);
    }
  }
  const lines = fc.array(line, { maxLength: 8 });
  const mountPoint = fc.constantFrom("", "", "a/");
  fc.assert(
    fc.property(lines, who, filterOf(wild), mountPoint, (given, client, asked, mount) => {
      const filter = mount + asked;
      const granted = built(given).rightsOf(client).maySubscribe(filter, mount.length).allowed;
      const readable = topics.find(
        (topic) =>
          matches(filter, topic) &&
          isVisibleThroughMount(mount, topic) &&
          !isHidden(filter, topic, mount.length) &&
          naively(given, client, "read", topic),
      );
      // A long topic of the lines' own names is not among these.
      if (readable !== undefined || !granted) expect(granted).toBe(readable !== undefined);
    }),
    { numRuns: 400 },
  );
});
