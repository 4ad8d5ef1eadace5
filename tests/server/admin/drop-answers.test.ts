import { expect, test } from "bun:test";
import type { DropAnswer } from "../../../src/api/api.ts";
import { Administered } from "../../support/administered.ts";
import { mortal } from "../../support/mortal.ts";

async function silenced(admin: Administered): Promise<DropAnswer> {
  const init = { method: "POST", body: '{"how":"silent"}' };
  const answer = await admin.ask("/v1/clients/dev-42/drop", init);
  return (await answer.json()) as DropAnswer;
}

test("where the keepalive ends a silent connection the answer has no hint", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const deadlineAt = admin.world.broker.now + 15_000;
  expect(await silenced(admin)).toEqual({ wasConnected: true, deadlineAt, hint: null });
});

test("without a keepalive nothing ends it", async () => {
  const admin = new Administered();
  mortal(admin.world, { id: "dev-42", keepalive: 0 });
  expect(await silenced(admin)).toMatchObject({
    ...{ deadlineAt: null, hint: "it has no keepalive: nothing will end it" },
  });
});

test("a keepalive that pauses because of waiting output gives a hint", async () => {
  const admin = new Administered({ outputBytes: 200 });
  const { world } = admin;
  const client = mortal(world, { id: "dev-42", keepalive: 10 });
  client.room = 0;
  // The last one waits unread.
  for (let pings = 0; pings <= 201; pings++) client.ping();
  expect(client.paused).toBe(true);
  expect(await silenced(admin)).toMatchObject({
    ...{ deadlineAt: null, hint: "its keepalive continues once the broker has read what it sent" },
  });
  world.advance(15_000);
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual(["keepAliveExpired"]);
});

test("a keepalive that the broker ignores gives a hint", async () => {
  const admin = new Administered({ rules: { keepAliveFactor: Infinity } });
  mortal(admin.world, { id: "dev-42", keepalive: 10 });
  expect(await silenced(admin)).toMatchObject({
    ...{
      deadlineAt: null,
      hint: "this broker never ends a client for silence: nothing will end it",
    },
  });
});
