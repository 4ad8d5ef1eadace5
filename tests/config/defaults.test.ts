import { totalmem } from "node:os";
import { expect, test } from "bun:test";
import fc from "fast-check";
import * as z from "zod";
import { configKeys, keyAt, valuePaths } from "../../src/config/keys.ts";
import { bytesOf, millisecondsOf, writeDuration, writeSize } from "../../src/config/quantity.ts";
import { configSchema } from "../../src/config/schema.ts";
import { settingsOf } from "../../src/config/settings.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import { defaultTransportLimits } from "../../src/transport/transport-limits.ts";
import { quarterOfMemory } from "../../src/config/machine-memory.ts";
import { loaded } from "./sources.ts";

test("without any source the limits are those of the core, and memory is a quarter of the machine's", () => {
  const memory = quarterOfMemory();
  expect(memory).toBeWithin(1, totalmem() / 4 + 1);
  expect(loaded({}).settings.limits).toEqual({ ...defaultLimits, memory });
});

test("the rest of the defaults", () => {
  const { limits: _, ...rest } = loaded({}).settings;
  expect(rest).toMatchInlineSnapshot(`
    {
      "admin": {
        "connections": 256,
        "host": null,
        "messages": 1000,
        "port": 1888,
        "requestTimeoutMs": 10000,
        "stallTimeoutMs": 30000,
        "streamBytes": 1048576,
        "streams": 64,
        "tls": null,
        "tokenFile": null,
      },
      "auth": {
        "authentications": 2000,
        "refusalDelayMs": 5000,
      },
      "listeners": [
        {
          "aclFile": null,
          "allowAnonymous": true,
          "connections": Infinity,
          "host": null,
          "mountPoint": "",
          "passwordFile": null,
          "path": null,
          "port": 1883,
          "proxies": null,
          "tls": null,
          "transport": "tcp",
          "webSocket": null,
        },
      ],
      "log": {
        "color": "auto",
        "format": "human",
        "level": "info",
      },
      "outputBytes": 1048576,
      "store": {
        "durability": "normal",
        "path": null,
        "restartGraceMs": 0,
        "restartSettleMs": 5000,
      },
      "sys": {
        "intervalMs": 10000,
      },
      "tcp": {
        "keepAliveMs": 60000,
        "userTimeoutMs": 60000,
      },
      "transports": {
        "drainedBytes": 167772160,
        "packetSize": 26214400,
        "webSocketBytes": 67108864,
        "webSocketEmptyFrames": 1000,
      },
    }
  `);
});

test("each limit of the core and of the transports has exactly one key, without a unit in its name", () => {
  const config = Object.keys(configSchema.parse({}).limits);
  const core = Object.keys(defaultLimits).map((key) => key.replace(/(Ms|Seconds)$/, ""));
  const others = [...Object.keys(defaultTransportLimits), "authentications", "outputBytes"];
  expect(config.toSorted()).toEqual([...core, ...others].toSorted());
});

test("every key has a description that ends like a sentence", () => {
  const keys = configKeys();
  for (const path of valuePaths(keys, 0)) {
    const key = keyAt(keys, path);
    expect(key?.kind).toBe("value");
    const wrapped = describedBy(path);
    expect(wrapped ?? "", path.join(".")).toMatch(/^[A-Za-z0].*\.$/);
  }
});

test("a JSON Schema can be generated, with descriptions and defaults", () => {
  const schema = z.toJSONSchema(configSchema, { io: "input" });
  expect(schema.additionalProperties).toBe(false);
  expect(JSON.stringify(schema)).toContain('"default":"1MiB"');
  expect(schema.required).toBeUndefined();
});

test("the printed defaults, read again, are the same configuration", () => {
  const first = loaded({});
  const again = loaded({ files: { "mqttd.json": JSON.stringify(first.config) } });
  expect(again.config).toEqual(first.config);
  expect(again.settings).toEqual(first.settings);
});

test("any configuration, printed and read again, gives the same settings", () => {
  const size = fc.integer({ min: 64, max: 1 << 28 });
  const seconds = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(
      size,
      size,
      seconds,
      fc.boolean(),
      fc.nat(65_535),
      (packet, bytes, keep, flag, port) => {
        const config = configSchema.parse({
          listeners: [{ port, allowAnonymous: flag, mountPoint: "a/" }, { port: 0 }],
          limits: {
            packetSize: packet,
            controlPacketSize: 64,
            connectSize: 64,
            queuedBytes: writeSize(bytes),
            keepAliveMax: writeDuration(keep * 1000),
            queueQos0: flag,
          },
        });
        const again = loaded({ files: { "mqttd.json": JSON.stringify(config, null, 2) } });
        expect(again.settings).toEqual(settingsOf(config));
        expect(again.settings.limits.packetSize).toBe(packet);
        expect(again.settings.limits.queuedBytes).toBe(bytes);
        expect(again.settings.limits.keepAliveMaxSeconds).toBe(keep);
      },
    ),
    { numRuns: 50 },
  );
});

test("a formatted size or duration is read as the same number", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (value) => {
      expect(bytesOf(writeSize(value))).toBe(value);
      expect(millisecondsOf(writeDuration(value))).toBe(value);
    }),
  );
  expect(writeDuration(Infinity)).toBe("never");
  expect([0, 1000, 10_000, 60_000, 90_000, 7_200_000].map(writeDuration)).toEqual([
    "0s",
    "1s",
    "10s",
    "1m",
    "90s",
    "2h",
  ]);
  expect([0, 1000, 1024, 65_536, 1024 ** 2].map(writeSize)).toEqual([
    "0B",
    "1000B",
    "1KiB",
    "64KiB",
    "1MiB",
  ]);
});

/** The description in the JSON Schema at a path. */
function describedBy(path: readonly (string | number)[]): string | undefined {
  let node: z.core.JSONSchema.BaseSchema | undefined = z.toJSONSchema(configSchema, {
    io: "input",
  });
  for (const part of path) {
    const next: z.core.JSONSchema._JSONSchema | undefined =
      typeof part === "number" ? itemOf(node) : node?.properties?.[part];
    node = typeof next === "object" ? next : undefined;
  }
  return node?.description;
}

function itemOf(node: z.core.JSONSchema.BaseSchema | undefined) {
  const items = node?.items;
  return Array.isArray(items) ? undefined : items;
}
