import { expect, test } from "bun:test";
import { configKeys, valuePaths, variableOf } from "../../src/config/keys.ts";
import { loaded, problems } from "./sources.ts";

test("every value has a variable, and no two have the same", () => {
  const names = valuePaths(configKeys(), 0).map(variableOf);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("MQTTD_LIMITS__PACKET_SIZE");
  expect(names).toContain("MQTTD_LIMITS__QUEUE_QOS0");
  expect(names).toContain("MQTTD_LISTENERS__0__MOUNT_POINT");
  expect(names).toContain("MQTTD_TCP__USER_TIMEOUT");
});

test("strings are converted to the key's type", () => {
  const { config } = loaded({
    env: {
      MQTTD_LISTENERS__0__PORT: "0",
      MQTTD_LISTENERS__0__HOST: "null",
      MQTTD_LISTENERS__0__MOUNT_POINT: "007/",
      MQTTD_LIMITS__QUEUE_QOS0: "true",
      MQTTD_LIMITS__PACKET_SIZE: "2048",
      MQTTD_LIMITS__KEEP_ALIVE_MAX: "60s",
    },
  });
  expect(config.listeners[0]).toMatchObject({ port: 0, host: null, mountPoint: "007/" });
  expect(config.limits).toMatchObject({ queueQos0: true, packetSize: 2048, keepAliveMax: "60s" });
});

test("numbers have the form of whole numbers in JSON", () => {
  for (const text of ["0123", "1e3", "0x10", " 1", "1.0", "+1", "", "-1", "1".repeat(30)]) {
    expect(problems({ env: { MQTTD_LIMITS__INFLIGHT: text } })).toBe(
      `MQTTD_LIMITS__INFLIGHT: found "${text}", allowed: a whole number from 1 to 65535`,
    );
  }
});

test("an unknown variable is an error that names the nearest right one", () => {
  const unknown = {
    MQTTD_LIMITS__PACKETSIZE: "1",
    MQTTD_LIMITS_PACKET_SIZE: "1",
    MQTTD_LISTENER__1__PORT: "1",
    MQTTD_PORT: "1884",
    MQTTD_PACKET_SIZE: "1",
    MQTTD_CONFIGS: "x",
    MQTTD_BANANA: "1",
    MQTTD_: "1",
    MQTTD_LISTENERS__01__PORT: "1",
    MQTTD_LISTENERS__0__PORT__X: "1",
  };
  expect(`\n${problems({ env: unknown })}\n`).toMatchInlineSnapshot(`
    "
    MQTTD_: unknown variable
    MQTTD_BANANA: unknown variable
    MQTTD_CONFIGS: unknown variable, did you mean MQTTD_CONFIG?
    MQTTD_LIMITS_PACKET_SIZE: unknown variable, did you mean MQTTD_LIMITS__PACKET_SIZE?
    MQTTD_LIMITS__PACKETSIZE: unknown variable, did you mean MQTTD_LIMITS__PACKET_SIZE?
    MQTTD_LISTENERS__01__PORT: unknown variable, did you mean MQTTD_LISTENERS__0__PORT?
    MQTTD_LISTENERS__0__PORT__X: unknown variable, did you mean MQTTD_LISTENERS__0__PORT?
    MQTTD_PACKET_SIZE: unknown variable, did you mean MQTTD_LIMITS__PACKET_SIZE?
    MQTTD_PORT: unknown variable, did you mean MQTTD_LISTENERS__0__PORT?
    MQTTD_LISTENER__1__PORT: unknown variable, did you mean MQTTD_LISTENERS__1__PORT?
    "
  `);
});

test("other variables are ignored", () => {
  const env = {
    PATH: "/bin",
    mqttd_limits: "1",
    MQTTDX: "1",
    // As Kubernetes sets them for a service named mqttd.
    MQTTD_SERVICE_HOST: "10.0.0.1",
    MQTTD_SERVICE_PORT: "1883",
    MQTTD_SERVICE_PORT_MQTT: "1883",
    MQTTD_PORT: "tcp://10.0.0.1:1883",
    MQTTD_PORT_1883_TCP: "tcp://10.0.0.1:1883",
    MQTTD_PORT_1883_TCP_ADDR: "10.0.0.1",
  };
  expect(problems({ env })).toBe("");
});
