import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { settingsOf } from "../../../src/config/settings.ts";
import { configSchema } from "../../../src/config/schema.ts";
import type { Millis } from "../../../src/core/io.ts";
import type { ProtocolError } from "../../../src/core/reason.ts";
import { Accounts, type AccountsOptions } from "../../../src/server/accounts/accounts.ts";
import { hashPassword } from "../../../src/server/accounts/password-hash.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-accounts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cheap = 2;

async function line(username: string, password: string, iterations = cheap): Promise<string> {
  return `${username}:${await hashPassword(Buffer.from(password), "pbkdf2-sha512", iterations)}\n`;
}

const lines = {
  alice: await line("alice", "right"),
  bob: await line("bob", "bob's"),
};

interface Asked {
  readonly username?: string | null;
  readonly password?: string | null;
  readonly remote?: string;
  readonly isLocal?: boolean;
  readonly allowAnonymous?: boolean;
  readonly passwordFile?: string | null;
  readonly whenGone?: (work: () => void) => void;
}

/** Accounts of one file, in a time that only the test advances. */
class Scene {
  readonly file = path.join(mkdtempSync(path.join(folder, "s-")), "passwd");
  readonly accounts: Accounts;
  readonly failures: string[] = [];
  now = 1000;
  #timers: { readonly at: number; readonly work: () => void }[] = [];

  constructor(text: string, options: Partial<AccountsOptions> = {}) {
    writeFileSync(this.file, text, { mode: 0o600 });
    this.accounts = new Accounts({
      loop: {
        soon: (work) => void setImmediate(work),
        after: (milliseconds, work) => {
          const timer = { at: this.now + milliseconds, work };
          this.#timers.push(timer);
          return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
        },
      },
      now: () => this.now,
      processors: 4,
      authentications: 100,
      refusalDelayMs: 5000,
      onFailure: (text) => this.failures.push(text),
      ...options,
    });
    this.accounts.start(this.listeners(), () => null);
  }

  listeners(file = this.file) {
    return settingsOf(configSchema.parse({ auth: { passwordFile: file } })).listeners;
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.now);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { work } of due) work();
  }

  /** Resolves to the verdict. */
  async ask(asked: Asked): Promise<ProtocolError | null> {
    return new Promise((resolve) => this.start(asked, resolve));
  }

  start(asked: Asked, answer: (refused: ProtocolError | null) => void): void {
    const { username = "alice", password = "right" } = asked;
    const { allowAnonymous = false, passwordFile = this.file } = asked;
    this.accounts.authenticate(
      {
        clientId: "dev-42",
        username,
        password: password === null ? null : Buffer.from(password),
        listener: {
          ...{ name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous, passwordFile },
        },
        remote: asked.remote ?? "192.0.2.1:5000",
        isLocal: asked.isLocal ?? false,
        until: 11_000 as Millis,
        whenGone: asked.whenGone ?? (() => {}),
      },
      answer,
    );
  }
}

const scene = (options?: Partial<AccountsOptions>) => new Scene(lines.alice + lines.bob, options);

test("who is let in where a password file applies", async () => {
  const { ask } = bound(scene());
  expect(await ask({})).toBeNull();
  expect(await ask({ username: "bob", password: "bob's" })).toBeNull();
  const refused = { reason: 0x86, statement: "v5-3.1.4-2", isUntold: true } as const;
  expect(await ask({ username: "bob" })).toEqual({ ...refused, detail: "wrong password" });
  expect(await ask({ username: "eve" })).toEqual({ ...refused, detail: "unknown user name" });
  expect(await ask({ password: null })).toEqual({
    ...refused,
    detail: "a user name without a password",
  });
  expect(await ask({ username: null, password: null })).toEqual({
    ...{ reason: 0x87, statement: "v5-3.1.4-2", isUntold: true },
    detail: "anonymous clients are not allowed",
  });
});

test("allowAnonymous lets in clients without a user name, and no others", async () => {
  const { ask } = bound(scene());
  const allowAnonymous = true;
  expect(await ask({ username: null, password: null, allowAnonymous })).toBeNull();
  expect(await ask({ allowAnonymous })).toBeNull();
  expect(await ask({ password: "wrong", allowAnonymous })).toMatchObject({ reason: 0x86 });
});

test("a listener without a password file does not check user names", async () => {
  const { ask } = bound(scene());
  const listener = { allowAnonymous: true, passwordFile: null };
  expect(await ask({ username: "eve", ...listener })).toBeNull();
  expect(await ask({ ...listener, allowAnonymous: false })).toMatchObject({ reason: 0x86 });
});

test("a password that proved right is accepted at once, a wrong one is not", async () => {
  const asking = scene();
  expect(await asking.ask({})).toBeNull();
  let verdict: ProtocolError | null | undefined;
  asking.start({ remote: "192.0.2.9:1" }, (refused) => (verdict = refused));
  expect(verdict).toBeNull();
  expect(await asking.ask({ password: "wrong" })).toMatchObject({ detail: "wrong password" });
});

test("a refusal takes as long as the costliest account of the file, whatever the user name", async () => {
  const costly = 150_000;
  const file = (await line("slow", "s", costly)) + lines.alice;
  const asking = new Scene(file);
  const took = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  await line("warm", "up", costly);
  const hashed = async (): Promise<number> => took(async () => line("x", "x", costly));
  let one = Math.min(await hashed(), await hashed());
  for (const asked of [{ username: "eve" }, { password: "wrong" }]) {
    const refused = await took(async () => asking.ask(asked));
    // The machine may have been busier then: what one takes is measured again.
    for (let times = 0; times < 5 && refused <= one / 2; times++)
      one = Math.min(one, await hashed());
    // Half, since the machine may be busier now; without the work they take a thousandth.
    expect(refused).toBeGreaterThan(one / 2);
  }
});

test("wrong passwords delay refusals of that address and user name, and no right password", async () => {
  const asking = scene();
  const wrong = { password: "wrong" };
  expect(await asking.ask(wrong)).toMatchObject({ detail: "wrong password" });
  const answers: unknown[] = [];
  asking.start(wrong, (refused) => answers.push(refused?.detail));
  await until(() => asking.accounts.waiting.refusals === 1);
  asking.advance(99);
  expect(answers).toEqual([]);
  asking.advance(1);
  expect(answers).toEqual(["wrong password, failure 2 from this address, answered after 100 ms"]);
  // Others wait for nothing.
  expect(await asking.ask({})).toBeNull();
  expect(await asking.ask({ username: "bob", password: "bob's" })).toBeNull();
  expect(await asking.ask({ ...wrong, remote: "192.0.2.2:1" })).toMatchObject({
    detail: "wrong password",
  });
  // A right password clears it.
  expect(await asking.ask(wrong)).toMatchObject({ detail: "wrong password" });
});

test("on loopback, and with refusalDelay off, no refusal is delayed", async () => {
  const local = scene();
  const off = scene({ refusalDelayMs: 0 });
  for (let n = 0; n < 20; n++) {
    expect(await local.ask({ password: "wrong", isLocal: true })).toMatchObject({ reason: 0x86 });
    expect(await off.ask({ password: "wrong" })).toMatchObject({ reason: 0x86 });
  }
});

test("a delayed refusal comes before the core's own timeout", async () => {
  const asking = scene();
  for (let n = 0; n < 12; n++) asking.start({ password: "wrong" }, () => {});
  await until(() => asking.accounts.waiting.refusals === 11);
  asking.advance(9800);
  expect(asking.accounts.waiting).toEqual({ checks: 0, refusals: 0 });
});

test("no more than 1,000 refusals wait: the oldest is answered", async () => {
  const asking = scene({ authentications: 2000 });
  const answered: number[] = [];
  for (let n = 0; n < 1003; n++) {
    asking.start({ password: "wrong" }, () => answered.push(n));
  }
  await until(() => asking.accounts.waiting.checks === 0 && answered.length >= 3);
  expect(asking.accounts.waiting.refusals).toBe(1000);
  // Two are checked at a time, so one of the first may be overtaken.
  expect(answered).toHaveLength(3);
  expect([0, 1, 2, 3]).toEqual(expect.arrayContaining(answered));
});

test("above limits.authentications a CONNECT is refused as server busy, and only then", async () => {
  const asking = scene({ processors: 1, authentications: 2 });
  const verdicts = Array.from({ length: 4 }, async (_, n) => asking.ask({ remote: `a:${n}` }));
  expect(await Promise.all(verdicts)).toEqual([
    null,
    null,
    null,
    {
      reason: 0x89,
      statement: "v5-3.1.4-2",
      detail: "2 CONNECTs wait for their passwords (limits.authentications)",
    },
  ]);
});

test("a flood of wrong passwords from one address refuses nobody else", async () => {
  const asking = scene({ processors: 1, authentications: 50 });
  for (let n = 0; n < 200; n++) asking.start({ username: `guess-${n}` }, () => {});
  const others = [{ remote: "192.0.2.8:1" }, { remote: "192.0.2.9:1", username: "bob" }];
  const passwords = ["right", "bob's"];
  expect(
    await Promise.all(
      others.map(async (asked, n) => asking.ask({ ...asked, password: passwords[n] ?? "" })),
    ),
  ).toEqual([null, null]);
});

test("what waits too long is refused as server busy before the core's timeout", async () => {
  const asking = scene({ processors: 1 });
  const details: unknown[] = [];
  asking.start({}, () => details.push("decided"));
  asking.start({ username: "bob" }, (refused) => details.push(refused?.detail));
  asking.advance(9800);
  expect(details).toEqual([
    "its password could not be checked in time (limits.authenticationTimeout)",
  ]);
  await until(() => details.length === 2);
  expect(asking.timers).toBe(0);
});

test("a connection that has ended gives its place in the queue to others, and nothing is hashed for it", async () => {
  const asking = scene({ processors: 1, authentications: 2 });
  const answers: string[] = [];
  const gone: (() => void)[] = [];
  const whenGone = (work: () => void): void => void gone.push(work);
  asking.start({}, () => answers.push("first"));
  for (const place of [1, 2]) {
    asking.start({ password: "wrong", whenGone }, () => answers.push(`gone ${place}`));
  }
  expect(asking.accounts.waiting).toEqual({ checks: 2, refusals: 0 });
  for (const work of gone) work();
  expect(asking.accounts.waiting).toEqual({ checks: 0, refusals: 0 });
  // The queue would be full.
  asking.start({ username: "bob", password: "bob's" }, (refused) => {
    answers.push(refused?.detail ?? "bob");
  });
  await until(() => answers.length === 2);
  expect(answers).toEqual(["first", "bob"]);
  expect(asking.timers).toBe(0);
});

test("nor does a refusal wait for it", async () => {
  const asking = scene();
  let answers = 0;
  let gone = (): void => {};
  // The first failure is answered at once.
  await asking.ask({ password: "wrong" });
  asking.start({ password: "wrong", whenGone: (work) => (gone = work) }, () => answers++);
  await until(() => asking.accounts.waiting.refusals === 1);
  gone();
  expect(asking.accounts.waiting).toEqual({ checks: 0, refusals: 0 });
  expect(asking.timers).toBe(0);
  expect(answers).toBe(0);
});

test("a reload says which accounts are new, changed and gone, and forgets what it proved", async () => {
  const asking = scene();
  expect(await asking.ask({})).toBeNull();
  const carol = await line("carol", "c");
  writeFileSync(asking.file, carol + (await line("alice", "new")));
  const read = asking.accounts.read(asking.listeners(), () => null);
  if ("problems" in read) throw new Error("it has problems");
  // Not in force before `apply`.
  expect(await asking.ask({})).toBeNull();
  expect(read.apply()).toEqual([
    { file: asking.file, added: ["carol"], changed: ["alice"], removed: ["bob"] },
  ]);
  expect(await asking.ask({})).toMatchObject({ detail: "wrong password" });
  expect(await asking.ask({ password: "new" })).toBeNull();
  expect(await asking.ask({ username: "bob", password: "bob's" })).toMatchObject({
    detail: "unknown user name",
  });
});

test("a file that does not parse changes nothing", async () => {
  const asking = scene();
  writeFileSync(asking.file, "alice:plain\nbob\n");
  expect(asking.accounts.read(asking.listeners(), () => null)).toMatchObject({
    problems: [{ at: `${asking.file}:1` }, { at: `${asking.file}:2` }],
  });
  expect(await asking.ask({})).toBeNull();
});

test("a check that waits during a reload is judged by the new file", async () => {
  const asking = scene({ processors: 1 });
  const first = asking.ask({});
  const second = asking.ask({ username: "bob", password: "bob's" });
  writeFileSync(asking.file, lines.alice);
  const read = asking.accounts.read(asking.listeners(), () => null);
  if (!("problems" in read)) read.apply();
  expect(await first).toBeNull();
  expect(await second).toMatchObject({ detail: "unknown user name" });
});

test("a file without accounts is a warning", () => {
  const asking = scene();
  writeFileSync(asking.file, "# none yet\n");
  expect(asking.accounts.read(asking.listeners(), () => null)).toMatchObject({
    warnings: [
      `listeners.0 (port 1883) refuses every client: ${asking.file} has no account; add one: ` +
        `mqttd passwd ${asking.file} USER`,
    ],
  });
  const tls = { cert: "a", key: "b", requestCert: true, identityAsUsername: true };
  const listeners = [{ transport: "tls", tls }];
  const named = configSchema.parse({ listeners, auth: { passwordFile: asking.file } });
  expect(asking.accounts.read(settingsOf(named).listeners, () => null)).toMatchObject({
    warnings: [],
  });
});

function bound(asking: Scene) {
  return { ask: async (asked: Asked) => asking.ask(asked) };
}

async function until(isSo: () => boolean): Promise<void> {
  const began = performance.now();
  while (!isSo()) {
    if (performance.now() - began > 30_000) throw new Error("it did not come to that in 30 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
