import { expect, test } from "bun:test";
import { likeNamed } from "../../../src/core/quirks/likes.ts";
import { habitsOf, reportOf } from "../../../src/inspect/explain/lint.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import type { TestClient } from "../../support/client.ts";
import { mortal, type MortalOptions } from "../../support/mortal.ts";
import type { World } from "../../support/world.ts";
import { answerOf, flatPage, watched } from "./explained.ts";

// Brokers that misbehave on purpose: the page says so first, and no sentence about what such a broker
// did cites the statement that it broke.

/** A world like this broker, after what ended its client, on one line without line breaks. */
function pageOn(
  like: string,
  end: (client: TestClient, world: World) => unknown,
  options: MortalOptions = {},
): { page: string; world: World } {
  const world = watched({ rules: likeNamed(like)?.rules ?? {} });
  end(mortal(world, { keepalive: 10, ...options }), world);
  return { page: flatPage(world, "mortal", like), world };
}

test("on purpose: every page of such a broker begins with a line that names the quirk", () => {
  const { page } = pageOn("mosquitto-2.0", () => {});
  expect(page).toStartWith("This broker misbehaves on purpose (--like mosquitto-2.0): checks");
  const { page: other } = pageOn("C3-clean-disconnect-publishes", () => {});
  expect(other).toStartWith(
    "This broker misbehaves on purpose (--like C3-clean-disconnect-publishes). What it did here",
  );
  expect(reportOf([], 1, false, "mosquitto-2.0").onPurpose?.text).toStartWith("This broker mis");
  expect(reportOf([], 1, false).onPurpose).toBeNull();
});

test("on purpose: a will that follows a clean DISCONNECT cites no statement, and what it had to be", () => {
  const { page } = pageOn("C3-clean-disconnect-publishes", (client) =>
    client.send({ cmd: "disconnect", reasonCode: 0 }),
  );
  expect(page).toContain("fired at once, though mortal sent a clean DISCONNECT");
  expect(page).toContain("By the standard it had to be discarded.");
  expect(page).not.toMatch(/v5-3\.1\.2-8\]|v5-3\.14\.4-3\]/);
});

test("on purpose: a delay that is ignored is told", () => {
  const { page } = pageOn("E1-delay-ignored", (client) => client.drop(), { delay: 30, expiry: 60 });
  expect(page).toContain("By the standard it was due 30.0 s later.");
  expect(page).not.toContain("[v5-3.1.2-8]");
});

test("on purpose: a return that does not cancel is told", () => {
  const { page } = pageOn(
    "E2-return-does-not-cancel",
    (client, world) => {
      client.drop();
      world.advance(2_000);
      mortal(world, { clean: false, delay: 5, expiry: 60 }).send({ cmd: "disconnect" });
      world.advance(10_000);
    },
    { delay: 5, expiry: 60, clean: false },
  );
  expect(page).toContain("misbehaves on purpose");
  expect(page).not.toContain("[v5-3.1.3-9]");
});

test("on purpose: a will that outlives its session is no habit of the client", () => {
  const { world } = pageOn("E3-session-end-does-not-cut-delay", (client) => client.drop(), {
    delay: 6,
    expiry: 1,
  });
  const answer = answerOf(world, "mortal", "E3-session-end-does-not-cut-delay");
  expect(habitsOf(answer).map(({ topic }) => topic)).not.toContain("delayBeyondSession");
  expect(habitsOf({ ...answer, like: null }).map(({ topic }) => topic)).toContain(
    "delayBeyondSession",
  );
});

test("on purpose: a will that the broker ignores is not said to be missing", () => {
  const { page } = pageOn("F-empty-will-ignored", (client) => client.drop(), {
    will: { payload: "" },
  });
  expect(page).toContain("this broker ignores a will with an empty payload");
  expect(page).not.toContain("set no will");
  expect(page).not.toContain("Set a will in CONNECT");
});

test("on purpose: a will that is published twice, or with another QoS", () => {
  const { page } = pageOn("F-published-twice", (client) => client.drop());
  expect(page).toContain("This broker published it 2 times.");
  const lowered = pageOn("F-qos-lowered", (client) => client.drop(), { will: { qos: 1 } });
  expect(lowered.page).toContain("This broker published it with QoS 0 instead of 1.");
});

test("on purpose: a keepalive by other rules cites no statement", () => {
  const { page } = pageOn("A4-only-pingreq-counts", (client, world) => {
    world.advance(14_000);
    client.publish("t", "x");
    world.advance(2_000);
  });
  expect(page).toContain("because this broker takes only PINGREQ for a sign of life");
  expect(page).not.toContain("[v5-3.1.2-22]");
  const none = pageOn("A4-keepalive-0-has-deadline", (_, world) => world.advance(3_000), {
    keepalive: 0,
  });
  expect(none.page).toContain("this broker ends a client without a keepalive after 1.50 s");
  expect(none.page).not.toContain("[v5-3.1.2-22]");
});

test("on purpose: what the standard asks for keeps its statement", () => {
  const { page } = pageOn("rumqttd-0.19", (_, world) => world.advance(40_000));
  expect(page).toContain("By the standard it was due 25.0 s ago");
  expect(page).toContain("[v5-3.1.2-22]");
});

test("on purpose: forecasts follow the rules in force", () => {
  const { page } = pageOn("mosquitto-2.0", () => {}, { version: 4, clean: false });
  expect(page).toContain("If it breaks a rule of MQTT, this broker loses the will on purpose.");
  expect(page).toContain("same client id: this broker loses the will on purpose if that resumes");
  expect(page).not.toContain("same client id, the will fires at once");
  const c3 = pageOn("C3-clean-disconnect-publishes", () => {});
  expect(c3.page).toContain("clean DISCONNECT, this broker publishes the will all the same.");
});

test("on purpose: a broker of the standard has no such line, and no mark of one", () => {
  const world = watched();
  mortal(world, { keepalive: 10 }).drop();
  const { onPurpose, verdict } = explain(answerOf(world));
  expect(onPurpose).toBeNull();
  expect(verdict).toEqual({ text: expect.any(String), rule: "v5-3.1.2-8" });
});
