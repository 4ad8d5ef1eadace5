import { describe, expect, test } from "bun:test";
import { parser } from "mqtt-packet";
import { Client } from "../../../src/client/client.ts";
import type { Target } from "../../../src/client/target.ts";
import { plantedQuirks } from "../../../src/core/quirks/planted.ts";
import { deniedScenarios, invalidScenarios } from "../../../src/drop/scenarios/invalid.ts";
import { rawConnect } from "../../../src/drop/scenarios/raw-connect.ts";
import { accessBy } from "../../support/access.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import { expectVerdicts, passes, played, playedOnMosquitto, quiet } from "../../support/played.ts";

const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

describe("invalid-will", () => {
  test.concurrent("our broker lets in none of them", async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(invalidScenarios, broker.target);
    expectVerdicts(results, passes(invalidScenarios));
    const refused = broker.events.flatMap((event) =>
      event.event === "ended" && !event.wasConnected ? [event.statement] : [],
    );
    expect(refused.map(String).sort()).toEqual([
      ...["v4-1.5.3-2", "v4-3.1.2-13", "v4-3.1.2-14"],
      ...["v4-4.7.1-1", "v4-4.7.1-1", "v4-4.7.3-1"],
      ...["v5-1.5.4-2", "v5-3.1.2-11", "v5-3.1.2-12"],
      ...["v5-4.7.0-1", "v5-4.7.0-1", "v5-4.7.3-1"],
    ]);
  });

  test.concurrent.skipIf(mosquittoMissing !== null)(
    `mosquitto 2.0.11 lets in none of them${why}`,
    async () => {
      const results = await playedOnMosquitto(invalidScenarios);
      expectVerdicts(results, passes(invalidScenarios));
    },
  );

  test.concurrent("a broker that takes them fails, and each of them is named", async () => {
    using broker = await EmbeddedBroker.start({ rules: plantedQuirks["G-invalid-will-taken"] });
    const [result] = await played(invalidScenarios, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "fail", failure: "broken", arm: "wildcard #" });
    expect(result?.detail).toStartWith("CONNECT is accepted (v4-4.7.1-1)");
    expect(result?.detail).toContain("also wrong: wildcard +");
  });

  test.concurrent("a broker that refuses one and publishes its will fails", async () => {
    // Another client does what the broker should not.
    const between: EmbeddedOptions["between"] = (events) => ({
      ...events,
      data: (link, chunk) => {
        const text = Buffer.from(chunk).toString("latin1");
        const topic = /mqttd-drop\/[^\0]*\/3\/a(?=\0b)/.exec(text)?.[0];
        events.data(link, chunk);
        if (topic !== undefined) void publish(broker.target, topic);
      },
    });
    using broker = await EmbeddedBroker.start({ between });
    const [result] = await played(invalidScenarios, broker.target, { versions: [5] });
    expect(result).toMatchObject({
      verdict: "fail",
      arm: "U+0000 in the topic",
      detail: "CONNECT is refused, and the will was published",
    });
  });

  /** A CONNECT with a will whose topic is empty; what comes after it, `then` decides. */
  const onEmptyTopic =
    (
      then: (broker: EmbeddedBroker) => void,
      broker: () => EmbeddedBroker,
    ): NonNullable<EmbeddedOptions["between"]> =>
    (events) => {
      let isHit = false;
      return {
        ...events,
        data: (link, chunk) => {
          const isIt = Buffer.from(chunk).includes("invalid will: empty topic");
          if (isIt) then(broker());
          isHit ||= isIt;
          if (!isHit) events.data(link, chunk);
        },
      };
    };

  test.concurrent("a broker that dies of one fails, and the one is named", async () => {
    const broker: EmbeddedBroker = await EmbeddedBroker.start({
      between: onEmptyTopic(
        (dying) => dying[Symbol.dispose](),
        () => broker,
      ),
    });
    const lost: string[] = [];
    const [result, other] = await played(invalidScenarios, broker.target, {
      versions: [4, 4],
      watch: { ...quiet, lost: () => void lost.push("lost") },
    });
    expect(result).toMatchObject({ verdict: "fail", failure: "down", arm: "empty topic" });
    expect(result?.detail).toStartWith("after this CONNECT the broker is gone");
    expect(other).toBeUndefined();
    expect(lost).toEqual(["lost"]);
  });

  test.concurrent(
    "a broker that stops answering at one fails",
    async () => {
      using broker: EmbeddedBroker = await EmbeddedBroker.start({
        between: onEmptyTopic(
          () => {},
          () => broker,
        ),
      });
      const [result] = await played(invalidScenarios, broker.target, { versions: [4] });
      expect(result).toMatchObject({ verdict: "fail", failure: "down", arm: "empty topic" });
      expect(result?.detail).toBe(
        "after this CONNECT the broker does not answer any more: no CONNACK within 5 s",
      );
    },
    180_000,
  );

  test.concurrent("MQTT 3.1 has no rule for them", async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(invalidScenarios, broker.target, { versions: [3] });
    expectVerdicts(results, ["invalid-will v3: skipped"]);
  });
});

async function publish(target: Target, topic: string): Promise<void> {
  const client = await Client.open(target, 4);
  await client.connect({ clientId: "other", clean: true, keepalive: 0 });
  await client.publish(topic, "gone");
  client.leave();
}

describe("the bytes of a CONNECT", () => {
  const plain = { clientId: "dev", username: null, password: null, willBits: 0, will: null };
  for (const version of [3, 4, 5] as const) {
    test(`are valid but for what is asked for, in version ${version}`, () => {
      const payload = Buffer.from("p".repeat(200));
      const bytes = rawConnect({
        ...plain,
        version,
        username: "ann",
        password: "secret",
        willBits: 0x04 | 0x08,
        will: { topic: Buffer.from("status"), payload },
      });
      const read: unknown[] = [];
      const reader = parser({ protocolVersion: version });
      reader.on("packet", (packet) => read.push(packet));
      reader.parse(Buffer.from(bytes));
      expect(read).toMatchObject([
        {
          cmd: "connect",
          protocolVersion: version,
          clientId: "dev",
          clean: true,
          keepalive: 60,
          username: "ann",
          password: Buffer.from("secret"),
          will: { topic: "status", payload, qos: 1, retain: false },
        },
      ]);
    });
  }
});

describe("acl", () => {
  const deniedTopic = "secret/status";
  const denies = { mayPublish: (_: unknown, topic: string) => topic !== deniedTopic };

  test.concurrent("our broker says so at CONNECT", async () => {
    const access = accessBy({ ...denies });
    using broker = await EmbeddedBroker.start({ access });
    const results = await played(deniedScenarios, broker.target, { deniedTopic });
    expectVerdicts(results, passes(deniedScenarios));
  });

  test.concurrent(
    "who may not subscribe there either hears nothing, and is told at CONNECT",
    async () => {
      const access = accessBy({
        ...denies,
        maySubscribe: (_: unknown, filter: string) => filter !== deniedTopic,
      });
      using broker = await EmbeddedBroker.start({ access });
      const results = await played(deniedScenarios, broker.target, { deniedTopic });
      expectVerdicts(results, passes(deniedScenarios));
    },
  );

  test.concurrent("a will that is taken and dropped without a word is a finding", async () => {
    const rules = plantedQuirks["G-denied-will-taken"];
    const access = accessBy({ ...denies });
    using broker = await EmbeddedBroker.start({ access, rules });
    const [result] = await played(deniedScenarios, broker.target, { deniedTopic, versions: [4] });
    expect(result).toMatchObject({
      verdict: "finding",
      failure: "broken",
      means: expect.stringContaining("silently dropped"),
    });
  });

  test.concurrent("a will that is published although PUBLISH is denied is a finding", async () => {
    let asked = 0;
    // The PUBLISH is asked for first, then the will, at CONNECT and at the end.
    const mayPublish = (_: unknown, topic: string): boolean => topic !== deniedTopic || asked++ > 0;
    using broker = await EmbeddedBroker.start({ access: accessBy({ mayPublish }) });
    const [result] = await played(deniedScenarios, broker.target, { deniedTopic, versions: [5] });
    expect(result).toMatchObject({ verdict: "finding", failure: "spurious" });
  });

  test.concurrent("a topic that is not denied proves nothing", async () => {
    using broker = await EmbeddedBroker.start();
    const [result] = await played(deniedScenarios, broker.target, { deniedTopic, versions: [4] });
    expect(result).toMatchObject({
      verdict: "inconclusive",
      detail: "secret/status is not denied: an ordinary PUBLISH there is delivered",
    });
  });

  test.concurrent("without --denied-topic it is skipped", async () => {
    using broker = await EmbeddedBroker.start();
    const [result] = await played(deniedScenarios, broker.target, { versions: [4] });
    expect(result).toMatchObject({ verdict: "skipped", detail: "needs --denied-topic" });
  });
});
