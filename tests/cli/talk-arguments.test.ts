import { expect, test } from "bun:test";
import { mqttd } from "./surroundings.ts";

/** The one line that a wrong command line gets. */
async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await mqttd(args);
  expect({ args, code }).toEqual({ args, code: 2 });
  return stderr.trimEnd();
}

async function published(...args: string[]) {
  const outcome = await mqttd(["pub", ...args]);
  expect(outcome.stderr).toBe("");
  const [request] = outcome.published;
  if (request === undefined) throw new Error("nothing was published");
  return request;
}

async function subscribed(...args: string[]) {
  const outcome = await mqttd(["sub", ...args]);
  expect(outcome.stderr).toBe("");
  const [request] = outcome.subscribed;
  if (request === undefined) throw new Error("nothing was subscribed to");
  return request;
}

test("mosquitto's flags, short and long", async () => {
  expect(
    await published(
      ...["-h", "broker", "-p", "1884", "-i", "me", "-u", "ann", "-P", "secret", "-k", "30"],
      ...["-t", "a/b", "-m", "on", "-q", "1", "-r", "--repeat", "3", "--repeat-delay", "0.5"],
      ...["-M", "5", "-V", "mqttv31", "-c"],
    ),
  ).toMatchObject({
    ...{ topic: "a/b", qos: 1, retain: true, repeats: 3, repeatDelayMs: 500, inflightMax: 5 },
    ...{ version: 3, source: { type: "text", payload: Buffer.from("on") } },
    target: { host: "broker", port: 1884 },
    connect: {
      ...{ clientId: "me", username: "ann", password: Buffer.from("secret"), keepalive: 30 },
      clean: false,
    },
  });
  expect(
    await subscribed(
      ...["--topic", "a/#", "--topic", "b/+", "--filter-out", "a/x", "--unsubscribe", "c"],
      ...["-C", "5", "-W", "2.5", "-R", "-E", "--protocol-version", "5", "-v"],
    ),
  ).toMatchObject({
    ...{ filters: ["a/#", "b/+"], filterOut: ["a/x"], unsubscribes: ["c"], count: 5 },
    ...{ timeoutMs: 2500, noRetained: true, endsSubscribed: true, version: 5 },
    form: { type: "verbose" },
  });
  expect(await subscribed("-t", "a", "-W", ".5")).toMatchObject({ timeoutMs: 500 });
});

test.each([
  [["sub", "-t", "a", "--pretty"], "--pretty is for JSON (with --json, or -F %j or %J)"],
  [["sub", "-t", "a", "--pretty", "-v"], "--pretty is for JSON"],
  [["sub", "-t", "a", "--pretty", "-F", "%t %p"], "--pretty is for JSON"],
  [["rr", "-t", "a", "-e", "b", "-n", "--pretty"], "--pretty is for JSON"],
  [["sub", "-t", "a", "--json", "-v"], "--json has the topic already (leave out -v)"],
  [["sub", "-t", "a", "-R", "--retained-only"], "leave no message (give one of them)"],
  [["pub", "-t", "a", "-l", "--repeat", "3"], "--repeat is for one message"],
  [["pub", "-t", "a", "-l", "--repeat-delay", "3"], "--repeat-delay is for one message"],
  [["pub", "-t", "a", "-n", "--repeat-delay", "3"], "--repeat-delay needs --repeat (--repeat N)"],
])("a flag without effect is refused: %p", async (args, said) => {
  expect(await refused(...args)).toContain(said);
});

test("--pretty is for every form of JSON", async () => {
  expect(await subscribed("-t", "a", "--json", "--pretty")).toMatchObject({
    form: { type: "json", pretty: true },
  });
  for (const format of ["%j", "%t %-5J"]) {
    expect(await subscribed("-t", "a", "-F", format, "--pretty")).toMatchObject({
      form: { type: "format", pretty: true },
    });
  }
  // As mosquitto's clients: the format alone counts.
  expect((await subscribed("-t", "a", "-F", "%p", "-v")).form.type).toBe("format");
});

test("the version is 3.1.1, unless a flag needs MQTT 5", async () => {
  expect((await published("-t", "a", "-n")).version).toBe(4);
  for (const flags of [
    ["-x", "60"],
    ["-D", "publish", "content-type", "a"],
    ["--disconnect-reason", "0x04"],
    ["--will-topic", "w", "--will-delay", "3"],
  ]) {
    expect((await published("-t", "a", "-n", ...flags)).version).toBe(5);
    expect(await refused("pub", "-t", "a", "-n", "-V", "3.1.1", ...flags)).toMatch(
      /^mqttd: --[a-z-]+ needs MQTT 5 \(-V 5\)$/,
    );
  }
  expect((await mqttd(["rr", "-t", "a", "-e", "b", "-n"])).requested).toMatchObject([
    { version: 5, responseTopic: "b", properties: { responseTopic: "b" } },
  ]);
});

test("properties of each packet, and of the will", async () => {
  const { connect, properties, goodbye } = await published(
    ...["-t", "a", "-n", "-c", "-i", "me"],
    ...["-D", "connect", "receive-maximum", "5", "-D", "publish", "user-property", "k", "v"],
    ...["-D", "publish", "user-property", "k", "w", "-D", "publish", "topic-alias", "1"],
    ...[
      "-D",
      "publish",
      "correlation-data",
      "id",
      "-D",
      "publish",
      "payload-format-indicator",
      "1",
    ],
    ...["--will-topic", "w", "--will-payload", "gone", "--will-qos", "2", "--will-retain"],
    ...["--will-delay", "1m", "-D", "will", "content-type", "text/plain"],
    ...["-D", "disconnect", "session-expiry-interval", "0"],
  );
  expect(connect).toMatchObject({
    properties: { receiveMaximum: 5, sessionExpiryInterval: 4_294_967_295 },
    will: {
      ...{ topic: "w", payload: Buffer.from("gone"), qos: 2, retain: true },
      properties: { willDelayInterval: 60, contentType: "text/plain" },
    },
  });
  expect(properties as object).toEqual({
    ...{ userProperties: [{ k: "v" }, { k: "w" }], topicAlias: 1 },
    ...{ correlationData: Buffer.from("id"), payloadFormatIndicator: true },
  });
  expect(goodbye).toMatchObject({ properties: { sessionExpiryInterval: 0 } });
});

test("a URL of tcp and TLS may have the topic, as it is", async () => {
  const topicOf = async (url: string) => (await published("-L", url, "-n")).topic;
  expect(await topicOf("mqtt://h/a/b")).toBe("a/b");
  expect(await topicOf("mqtts://ann:pw@h:8884/a%20b?c")).toBe("a%20b?c");
  expect(await topicOf("h:1884/a")).toBe("a");
  expect((await subscribed("-L", "mqtt://h:1/home/#", "-t", "b")).filters).toEqual(["b", "home/#"]);
  expect(await refused("pub", "-L", "ws://h/mqtt", "-n")).toBe(
    "mqttd: no topic to publish on (give one: -t TOPIC)",
  );
  expect(await refused("pub", "-L", "mqtt://h", "-n")).toStartWith("mqttd: no topic");
});

test("wrong command lines get one line, with the nearest right word", async () => {
  const lines: [string, string][] = [
    [
      "pub -t a",
      "no payload (-m TEXT, -f FILE, -s standard input, -l each line of it, or -n an empty message)",
    ],
    ["pub -t a -m x -n", "--message and --null-message are two payloads (give one of them)"],
    ["pub -t a/# -m x", '--topic: found "a/#", allowed: a topic without wildcards'],
    ["pub -t a -m x -q 3", '--qos: found "3", allowed: a QoS from 0 to 2'],
    ["pub -t a -m x -c", "--disable-clean-session needs a client id (give one: -i ID)"],
    ["pub -t a -m x --retained", "pub: unknown flag --retained (did you mean --retain?)"],
    ["pub -t a -m x -i a -I b", "--id and --id-prefix are two client ids (give one of them)"],
    ["pub -t a -m x --will-payload gone", "--will-payload needs a will (--will-topic TOPIC)"],
    [
      "pub -t a -m x -P secret",
      "a password needs --username: MQTT 3.1.1 has no password alone (give both, or -V 5)",
    ],
    [
      "pub -t a -m x -D publsh content-type a",
      '--property: found "publsh", allowed: connect, publish, subscribe, unsubscribe, disconnect, will (did you mean publish?)',
    ],
    [
      "pub -t a -m x -D subscribe subscription-identifer 1",
      '--property subscribe: found "subscription-identifer", allowed: subscription-identifier, user-property (did you mean subscription-identifier?)',
    ],
    [
      "pub -t a -m x -D publish topic-alias 70000",
      '--property publish topic-alias: found "70000", allowed: a whole number from 0 to 65535',
    ],
    [
      "pub -t a -m x -D publish user-property k",
      "pub: -D lacks its value (-D COMMAND PROPERTY VALUE)",
    ],
    [
      "sub -t a --disconnect-reason 0x87",
      '--disconnect-reason: found "0x87", allowed: 0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99 (a client does not send "not authorized")',
    ],
    [
      "sub -t a --no-disconnect --disconnect-reason 4",
      "--no-disconnect sends no --disconnect-reason (give one of them)",
    ],
    ...["pub -t a -l", "pub -t a -s", "pub -t a -f /dev/stdin", "rr -t a -e b -s"].flatMap(
      (command) =>
        ["-", "/dev/stdin"].map((file): [string, string] => [
          `${command} --pw-file ${file}`,
          `--pw-file ${file} and the payload are both standard input (--pw-file FILE, or MQTTD_PASSWORD)`,
        ]),
    ),
    ["sub", "no topic filter to subscribe to (give one: -t FILTER, or -t '#' for all)"],
    [
      "sub -t a/#/b",
      '--topic: found "a/#/b", allowed: a topic filter (# is not the whole last level of the Topic Filter)',
    ],
    [
      "sub -t a -F %Z",
      "--format: found %Z, and the fields are %ACDEFIJPRSUXjlmpqrtx (mqttd sub --help has the list)",
    ],
    ["sub -t a --json -F %p", "--json and --format are two forms (give one of them)"],
    ["sub -t a -C 0", '--count: found "0", allowed: a number of messages from 1 to 2147483647'],
    ["sub -t a -W never", '--timeout: found "never", allowed: seconds up to 2000000'],
    ["pub home/lamp -m on", 'pub: unexpected argument "home/lamp" (for a topic: -t home/lamp)'],
    [
      "pub -t a -m x --proxy socks5h://h",
      "pub: there is no flag --proxy (there is no SOCKS proxy; wss:// passes most others)",
    ],
    [
      "sub -A 1.2.3.4 -t a",
      "sub: there is no flag -A (the system chooses the address that it connects from)",
    ],
    ["rr -t a -m x", "no topic for the response (give one: -e TOPIC)"],
    ["rr -t a -e b -l", "rr: unknown flag -l (see mqttd rr --help)"],
  ];
  for (const [line, text] of lines) {
    expect([line, await refused(...line.split(" "))]).toEqual([line, `mqttd: ${text}`]);
  }
});
