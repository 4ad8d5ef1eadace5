import { expect, test } from "bun:test";
import type { ClientAnswer, DropAnswer } from "../../src/api/api.ts";
import { clientLines } from "../../src/inspect/views/client.ts";
import { explain } from "../../src/inspect/explain/explain.ts";
import { plainStyle } from "../inspect/views/viewed.ts";
import { Administered } from "../support/administered.ts";
import { mortal } from "../support/mortal.ts";

// A refused CONNECT is the newest connection of the id that it claims, and not its live one.

function withImpostor(): Administered {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  admin.world.advance(100);
  const impostor = admin.world.open();
  impostor.connect({
    ...{ clientId: "dev-42", protocolVersion: 5 },
    will: { topic: "wills/#", payload: "x", qos: 0, retain: false },
  });
  return admin;
}

async function clientIn(admin: Administered): Promise<ClientAnswer> {
  const answer = (await (await admin.ask("/v1/clients/dev-42")).json()) as ClientAnswer;
  expect(answer.connections.map(({ end }) => end?.cause ?? "live")).toEqual(["refused", "live"]);
  return answer;
}

test("drop --how silent shows the deadline of the live connection", async () => {
  const admin = withImpostor();
  const { deadlineAt } = (await clientIn(admin)).connections[1] ?? {};
  const init = { method: "POST", body: '{"how":"silent"}' };
  const answer = (await (await admin.ask("/v1/clients/dev-42/drop", init)).json()) as DropAnswer;
  expect(deadlineAt).toBeNumber();
  expect(answer).toEqual({ wasConnected: true, deadlineAt: deadlineAt ?? null, hint: null });
});

test("inspect client and explain show the live connection", async () => {
  const answer = await clientIn(withImpostor());
  const lines = clientLines(answer, plainStyle(100)).map((line) => line.trim());
  expect(lines.filter((line) => /^(Connection|Keepalive)/.test(line))).toMatchInlineSnapshot(`
    [
      "Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 5.0, on tcp test",
      "Keepalive    10 s, silence of 15 s ends it, deadline in 14.9 s, closest call 15.0 s",
    ]
  `);
  expect(explain(answer).verdict.text).toContain("is armed and has not fired");
});
