import { expect, test } from "bun:test";
import path from "node:path";
import { targetOf } from "../../src/client/target.ts";
import { urlOf } from "../../src/server/listener-url.ts";

test("the URL of a unix socket is one that a client in any folder can use", () => {
  const unix = { transport: "unix", webSocket: null } as const;
  expect(urlOf(unix, "mqttd.sock")).toBe(`mqtt+unix://${path.resolve("mqttd.sock")}`);
  const odd = "/run/50%/a b#1?.sock";
  expect(targetOf(urlOf(unix, odd))).toMatchObject({ transport: "unix", path: odd });
});
