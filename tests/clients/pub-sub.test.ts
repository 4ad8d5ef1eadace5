import { afterAll, beforeAll, expect, test } from "bun:test";
import { environment, executable, Folder, RunningBroker } from "../support/executable.ts";
import { spawn } from "../support/child.ts";

/**
 * The same command lines for mosquitto_pub and mosquitto_sub, and for `mqttd pub` and `mqttd sub`,
 * at the same broker: the same messages, and the same lines.
 */

const isAbsent = ["mosquitto_pub", "mosquitto_sub"].some((name) => Bun.which(name) === null);
const why = isAbsent ? " (skipped: mosquitto_pub and mosquitto_sub are not installed)" : "";

/** One comparison; T stands for a topic of its own, FILE for a file with `FILE's text`. */
interface Lines {
  readonly sub: readonly string[];
  /** Published before the subscription. */
  readonly before?: readonly (readonly string[])[];
  readonly pub?: readonly (readonly string[])[];
  readonly stdin?: string;
  /** Null: it depends on the topic, or on the day. */
  readonly prints: string | null;
}

const facts = ["-F", "%t|%p|%q|%r|%l"];
const five = ["-V", "5"];

const comparisons: Readonly<Record<string, Lines>> = {
  "pub -m": {
    sub: ["-t", "T", "-C", "1"],
    pub: [["-t", "T", "-m", "on"]],
    prints: "on\n",
  },
  "pub -m with spaces, quotes and letters beyond ASCII": {
    sub: ["-t", "T", "-C", "1", ...facts],
    pub: [["-t", "T", "-m", ' ä "x" \\n ']],
    prints: 'T| ä "x" \\n |0|0|11\n',
  },
  'pub -m "": an empty message': {
    sub: ["-t", "T", "-C", "1", "-v"],
    pub: [["-t", "T", "-m", ""]],
    prints: "T (null)\n",
  },
  "pub -n": {
    sub: ["-t", "T", "-C", "1", ...facts],
    pub: [["-t", "T", "-n"]],
    prints: "T||0|0|0\n",
  },
  "pub -f": {
    sub: ["-t", "T", "-C", "1", ...facts],
    pub: [["-t", "T", "-f", "FILE"]],
    prints: "T|two\nlines\n|0|0|10\n",
  },
  "pub -s": {
    sub: ["-t", "T", "-C", "1", ...facts],
    pub: [["-t", "T", "-s"]],
    stdin: "one\ntwo",
    prints: "T|one\ntwo|0|0|7\n",
  },
  "pub -l, with an empty line, a carriage return, and none at the end": {
    sub: ["-t", "T", "-C", "4", "-F", "%x"],
    pub: [["-t", "T", "-l"]],
    stdin: "a\n\nb\r\nc",
    prints: "61\n\n620d\n63\n",
  },
  "pub -l -q 2": {
    sub: ["-t", "T", "-C", "50", "-q", "2"],
    pub: [["-t", "T", "-l", "-q", "2"]],
    stdin: Array.from({ length: 50 }, (_, at) => `line ${at}\n`).join(""),
    prints: Array.from({ length: 50 }, (_, at) => `line ${at}\n`).join(""),
  },
  "pub --repeat": {
    sub: ["-t", "T", "-C", "3", "-v"],
    pub: [["-t", "T", "-m", "again", "--repeat", "3", "--repeat-delay", "0.01"]],
    prints: "T again\nT again\nT again\n",
  },
  "pub -q 1": {
    sub: ["-t", "T", "-C", "1", "-q", "1", ...facts],
    pub: [["-t", "T", "-m", "x", "-q", "1"]],
    prints: "T|x|1|0|1\n",
  },
  "pub -q 2, sub -q 1": {
    sub: ["-t", "T", "-C", "1", "-q", "1", ...facts],
    pub: [["-t", "T", "-m", "x", "-q", "2"]],
    prints: "T|x|1|0|1\n",
  },
  "pub and sub -q 2": {
    sub: ["-t", "T", "-C", "1", "-q", "2", ...facts],
    pub: [["-t", "T", "-m", "x", "-q", "2"]],
    prints: "T|x|2|0|1\n",
  },
  "pub and sub -V mqttv31": {
    sub: ["-V", "mqttv31", "-t", "T", "-C", "1", "-q", "2", ...facts],
    pub: [["-V", "mqttv31", "-t", "T", "-m", "x", "-q", "2"]],
    prints: "T|x|2|0|1\n",
  },
  "pub and sub -V 5": {
    sub: [...five, "-t", "T", "-C", "1", "-q", "2", ...facts],
    pub: [[...five, "-t", "T", "-m", "x", "-q", "2"]],
    prints: "T|x|2|0|1\n",
  },
  "pub -V 5, sub -V 311": {
    sub: ["-V", "311", "-t", "T", "-C", "1", ...facts],
    pub: [[...five, "-t", "T", "-m", "x"]],
    prints: "T|x|0|0|1\n",
  },
  "pub -r before sub": {
    before: [["-t", "T", "-m", "kept", "-r", "-q", "1"]],
    sub: ["-t", "T", "-C", "1", ...facts],
    prints: "T|kept|0|1|4\n",
  },
  "pub -r -n deletes a retained message": {
    before: [
      ["-t", "T/a", "-m", "gone", "-r", "-q", "1"],
      ["-t", "T/b", "-m", "kept", "-r", "-q", "1"],
      ["-t", "T/a", "-n", "-r", "-q", "1"],
    ],
    sub: ["-t", "T/#", "-C", "1", "-v"],
    prints: "T/b kept\n",
  },
  "pub -L with a topic": {
    sub: ["-t", "T", "-C", "1", "-v"],
    pub: [["-L", "mqtt://127.0.0.1:PORT/T", "-m", "x"]],
    prints: "T x\n",
  },
  "sub -L with a topic": {
    sub: ["-L", "mqtt://127.0.0.1:PORT/T", "-C", "1", "-v"],
    pub: [["-t", "T", "-m", "x"]],
    prints: "T x\n",
  },
  "pub -D publish, sub -F with every property": {
    sub: [...five, "-t", "T", "-C", "1", "-F", "%C|%D|%E|%F|%P|%R"],
    pub: [
      [
        ...[...five, "-t", "T", "-m", "x", "-D", "publish", "content-type", "text/plain"],
        ...["-D", "publish", "correlation-data", "id-7", "-D", "publish", "response-topic", "re/x"],
        ...["-D", "publish", "message-expiry-interval", "3600"],
        ...["-D", "publish", "payload-format-indicator", "1"],
        ...[
          "-D",
          "publish",
          "user-property",
          "from",
          "me",
          "-D",
          "publish",
          "user-property",
          "a",
          "b c",
        ],
      ],
    ],
    prints: "text/plain|id-7|3600|1|from:me a:b c|re/x\n",
  },
  "sub -D subscribe subscription-identifier": {
    sub: [
      ...[...five, "-t", "T", "-C", "1", "-F", "%S %p"],
      ...["-D", "subscribe", "subscription-identifier", "7"],
    ],
    pub: [["-t", "T", "-m", "x"]],
    prints: "7 x\n",
  },
  "pub -D publish topic-alias": {
    sub: ["-t", "T", "-C", "3", "-v"],
    pub: [[...five, "-t", "T", "-m", "x", "--repeat", "3", "-D", "publish", "topic-alias", "1"]],
    prints: "T x\nT x\nT x\n",
  },
  "pub -x, -c and -i": {
    sub: ["-t", "T", "-C", "1", "-v"],
    pub: [[...five, "-t", "T", "-m", "x", "-c", "-i", "PUBLISHER", "-x", "1"]],
    prints: "T x\n",
  },
  "pub with a will that does not fire": {
    sub: ["-t", "T/#", "-C", "2", "-v"],
    pub: [
      [
        ...["-t", "T/a", "-m", "x", "--will-topic", "T/will", "--will-payload", "gone"],
        ...["--will-qos", "1", "--will-retain"],
      ],
      ["-t", "T/b", "-m", "y"],
    ],
    prints: "T/a x\nT/b y\n",
  },
  "sub -v": {
    sub: ["-t", "T/#", "-C", "2", "-v"],
    pub: [
      ["-t", "T/a", "-m", "1"],
      ["-t", "T/b/c", "-m", "2"],
    ],
    prints: "T/a 1\nT/b/c 2\n",
  },
  "sub -N": {
    sub: ["-t", "T", "-C", "2", "-N"],
    pub: [
      ["-t", "T", "-m", "1"],
      ["-t", "T", "-m", "2"],
    ],
    prints: "12",
  },
  "sub with several -t": {
    sub: ["-t", "T/a", "-t", "T/b", "-C", "2", "-v"],
    pub: [
      ["-t", "T/c", "-m", "0"],
      ["-t", "T/a", "-m", "1"],
      ["-t", "T/b", "-m", "2"],
    ],
    prints: "T/a 1\nT/b 2\n",
  },
  "sub -T": {
    sub: ["-t", "T/#", "-T", "T/+/secret", "-T", "T/b", "-C", "2", "-v"],
    pub: [
      ["-t", "T/a/secret", "-m", "0"],
      ["-t", "T/a", "-m", "1"],
      ["-t", "T/b", "-m", "0"],
      ["-t", "T/c", "-m", "2"],
    ],
    prints: "T/a 1\nT/c 2\n",
  },
  "sub -U": {
    sub: ["-t", "T/a", "-t", "T/b", "-U", "T/a", "-C", "1", "-v"],
    pub: [
      ["-t", "T/a", "-m", "1"],
      ["-t", "T/b", "-m", "2"],
    ],
    prints: "T/b 2\n",
  },
  "sub -R": {
    before: [["-t", "T", "-m", "old", "-r", "-q", "1"]],
    sub: ["-t", "T", "-R", "-C", "1"],
    pub: [["-t", "T", "-m", "new"]],
    prints: "new\n",
  },
  "sub --retained-only": {
    before: [
      ["-t", "T/a", "-m", "1", "-r", "-q", "1"],
      ["-t", "T/b", "-m", "2", "-r", "-q", "1"],
    ],
    sub: ["-t", "T/#", "--retained-only", "-F", "%p %r"],
    pub: [["-t", "T/c", "-m", "the end"]],
    prints: "1 1\n2 1\n",
  },
  "sub --retain-as-published": {
    sub: [...five, "-t", "T", "--retain-as-published", "-C", "1", "-F", "%r %p"],
    pub: [["-t", "T", "-m", "x", "-r"]],
    prints: "1 x\n",
  },
  "sub -F with widths": {
    sub: ["-t", "T", "-C", "1", "-F", "%-12t|%12t|%.3t|%6l|%-6l|%06l|%3m|%q%r"],
    pub: [["-t", "T", "-m", "payload"]],
    prints: null,
  },
  "sub -F with hexadecimal payloads": {
    sub: ["-t", "T", "-C", "1", "-F", "%x %X"],
    pub: [["-t", "T", "-m", "ÄZ\n"]],
    prints: "c3845a0a C3845A0A\n",
  },
  "sub -F with escapes": {
    sub: ["-t", "T", "-C", "1", "-F", "a\\tb\\\\c\\e[1m\\0%%@@\\n\\r\\v\\a"],
    pub: [["-t", "T", "-m", "x"]],
    prints: "a\tb\\c\x1b[1m\0%@\n\r\v\x07\n",
  },
  "sub -F without the properties of MQTT 5": {
    sub: ["-t", "T", "-C", "1", "-F", "[%A%C%D%E%F%P%R%S]"],
    pub: [[...five, "-t", "T", "-m", "x", "-D", "publish", "content-type", "a"]],
    prints: "[]\n",
  },
  "sub -F %j, but for the time": {
    sub: ["-t", "T", "-q", "1", "-C", "1", "-F", "%j"],
    pub: [["-t", "T", "-q", "1", "-m", '"a"\\']],
    prints:
      '{"tst":"TIME","topic":"T","qos":1,"retain":0,"payloadlen":4,"mid":1,"payload":"\\"a\\"\\\\"}\n',
  },
  "sub -F %j with properties": {
    sub: [...five, "-t", "T", "-C", "1", "-F", "%j"],
    pub: [
      [
        ...[...five, "-t", "T", "-m", "x", "-D", "publish", "user-property", "k", "v"],
        ...["-D", "publish", "content-type", "text/plain"],
      ],
    ],
    prints:
      '{"tst":"TIME","topic":"T","qos":0,"retain":0,"payloadlen":1,"properties":' +
      '{"user-properties":{"k":"v"},"content-type":"text/plain"},"payload":"x"}\n',
  },
  "sub -F %P with a key that comes twice": {
    sub: [...five, "-t", "T", "-C", "1", "-F", "%P"],
    pub: [
      [
        ...[...five, "-t", "T", "-m", "x", "-D", "publish", "user-property", "k", "1"],
        ...["-D", "publish", "user-property", "2", "2"],
        ...["-D", "publish", "user-property", "k", "3"],
      ],
    ],
    prints: null,
  },
  "sub -F %J": {
    sub: ["-t", "T", "-C", "1", "-F", "%J"],
    pub: [["-t", "T", "-m", '{"a": [1, 2]}']],
    prints: '{"tst":"TIME","topic":"T","qos":0,"retain":0,"payloadlen":13,"payload":{"a":[1,2]}}\n',
  },
  "sub -F %J --pretty": {
    sub: ["-t", "T", "-C", "1", "-F", "%J", "--pretty"],
    pub: [["-t", "T", "-m", '{"a": "b"}']],
    prints:
      '{\n\t"tst":\t"TIME",\n\t"topic":\t"T",\n\t"qos":\t0,\n\t"retain":\t0,\n\t"payloadlen":\t10,\n' +
      '\t"payload":\t{\n\t\t"a":\t"b"\n\t}\n}\n',
  },
  "sub -F with the date": {
    sub: ["-t", "T", "-C", "1", "-F", "@Y-@m-@d @A @B @j @u @W"],
    pub: [["-t", "T", "-m", "x"]],
    prints: null,
  },
  "sub with a wildcard, and $SYS apart": {
    sub: ["-t", "+/T", "-C", "1", "-v"],
    pub: [["-t", "any/T", "-m", "x"]],
    prints: "any/T x\n",
  },
  "sub -t $SYS/broker/version": {
    sub: ["-t", "$SYS/broker/version", "-C", "1", "-F", "%t %r"],
    prints: "$SYS/broker/version 1\n",
  },
  "sub -E": {
    sub: ["-t", "T", "-E"],
    prints: "",
  },
};

let broker: RunningBroker;
let folder: Folder;
beforeAll(async () => {
  if (isAbsent) return;
  folder = new Folder({ "payload.txt": "two\nlines\n" });
  // This level logs a client's subscriptions.
  broker = await RunningBroker.start({ args: ["--log-level", "debug"] });
});
afterAll(async () => {
  if (isAbsent) return;
  await broker.stop();
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const programs = {
  mosquitto: { pub: ["mosquitto_pub"], sub: ["mosquitto_sub"] },
  mqttd: { pub: [executable(), "pub"], sub: [executable(), "sub"] },
} as const;
type Kind = keyof typeof programs;

/** Some hundred programs are started at about the same time. */
const bound = { timeout: 120_000, killSignal: "SIGKILL" } as const;

/** Starts a client, with the broker's address unless the arguments have one. */
function client(kind: Kind, what: "pub" | "sub", args: readonly string[], stdin: string) {
  const address = args.includes("-L") ? [] : ["-h", "127.0.0.1", "-p", String(broker.port)];
  return spawn([...programs[kind][what], ...address, ...args], {
    cwd: folder.path,
    env: environment(folder),
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    ...bound,
  });
}

let topics = 0;

/** What both subscribers print of what one publisher publishes. */
async function printed(publisher: Kind, lines: Lines): Promise<Record<Kind, string>> {
  const number = ++topics;
  const topic = `compared/${number}`;
  const typed = (args: readonly string[]): string[] =>
    args.map((arg) =>
      arg.startsWith("-")
        ? arg
        : arg
            .replace(/\bT\b/, topic)
            .replace("PORT", String(broker.port))
            .replace("PUBLISHER", `publisher-${number}`)
            .replace("FILE", "payload.txt"),
    );
  const publish = async (args: readonly string[]): Promise<void> => {
    await using child = client(publisher, "pub", typed(args), lines.stdin ?? "");
    const [, errors] = await Promise.all([child.exited, child.stderr.text()]);
    // mqttd's own, of a client that has a will: docs/pub-sub.md.
    const goodbye = `mqttd: sent DISCONNECT: the broker discards the will on ${topic}/will (see --no-disconnect)\n`;
    const said = publisher === "mqttd" && args.includes("--will-topic") ? goodbye : "";
    expect({ args, code: child.exitCode, errors }).toEqual({ args, code: 0, errors: said });
  };
  for (const args of lines.before ?? []) await publish(args);
  const subscribe = (kind: Kind) => {
    const id = `${kind}-${topic}`;
    return { id, child: client(kind, "sub", ["-i", id, ...typed(lines.sub)], "") };
  };
  const [one, other] = [subscribe("mosquitto"), subscribe("mqttd")];
  await using _ = one.child;
  await using __ = other.child;
  const outputs = Promise.all(
    [one, other].map(async ({ child }) => {
      const [text, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      await child.exited;
      expect({ code: child.exitCode, errors }).toEqual({ code: 0, errors: "" });
      return text.replaceAll(topic, "T").replace(/"tst":(\s*)"[^"]*"/g, '"tst":$1"TIME"');
    }),
  );
  outputs.catch(() => {});
  const event = lines.sub.includes("-U") ? "unsubscribed" : "subscribed";
  for (const { id } of [one, other]) {
    await broker.line(
      `${event} ${id}`,
      (line) => line.event === event && line.client === id,
      bound.timeout,
    );
  }
  for (const args of lines.pub ?? []) await publish(args);
  const [mosquitto = "", mqttd = ""] = await outputs;
  return { mosquitto, mqttd };
}

for (const [name, lines] of Object.entries(comparisons)) {
  for (const publisher of ["mosquitto", "mqttd"] satisfies Kind[]) {
    test.skipIf(isAbsent).concurrent(
      `${name}, published by ${publisher}, prints the same${why}`,
      async () => {
        const { mosquitto, mqttd } = await printed(publisher, lines);
        expect(mqttd).toBe(mosquitto);
        if (lines.prints !== null) expect(mqttd).toBe(lines.prints);
      },
      180_000,
    );
  }
}

test("there are 40 comparisons at least", () => {
  expect(Object.keys(comparisons).length).toBeGreaterThanOrEqual(40);
});
