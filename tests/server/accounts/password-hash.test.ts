import { expect, test } from "bun:test";
import {
  hashPassword,
  type PasswordHash,
  readHash,
} from "../../../src/server/accounts/password-hash.ts";

/** Lines of mosquitto_passwd 2.0.11 (`-H sha512`, and its default), and of mosquitto 2.1. */
const made = {
  sha512:
    "$6$cSfffqOQ9ajRtAM4$SrHkXBg+FKr3LG4BPX4C9dSz+au6WQUVIS6JB6kwoHnzgh/jsq7WVIIO1B5ZEPix3YxjQesGGvaJ1VZk/9KsJw==",
  "pbkdf2-sha512":
    "$7$101$9fYtpJbrsui6OuqC$XSnsxK6XcSZPqLeiYl71875oMukynOdoo+fGBfMZv1CdfV+W52CT4aGxdtjco6uhfobxH/uicIHvZj2Z9dSU9Q==",
  argon2id:
    "$argon2id$v=19$m=47104,t=1,p=1$+vSeeTcQ1HOKMrLtbYDqbBevKxzDuxxLsdqG/cHFCw8$2o6J+LTJvc5Fvpru9nuwmXqi2O2wLN+UhhX6ecMi4p4",
};

function read(text: string): PasswordHash {
  const hash = readHash(text);
  if (typeof hash === "string") throw new Error(hash);
  return hash;
}

const right = { sha512: "hunter2", "pbkdf2-sha512": "secret", argon2id: "secret" };

for (const [scheme, text] of Object.entries(made)) {
  test(`a hash of another program is checked: ${scheme}`, async () => {
    const hash = read(text);
    expect(hash.scheme).toBe(scheme as PasswordHash["scheme"]);
    const password = right[scheme as keyof typeof right];
    expect(await hash.matches(Buffer.from(password))).toBe(true);
    for (const wrong of ["", "Secret", `${password}\n`, password.slice(1)]) {
      expect(await hash.matches(Buffer.from(wrong))).toBe(false);
    }
  });
}

test("what is hashed here is checked here, and each hash has a salt of its own", async () => {
  const password = Buffer.from([0xff, 0, 0x80]);
  for (const scheme of ["pbkdf2-sha512", "argon2id"] as const) {
    const [first, second] = [
      await hashPassword(password, scheme, 10),
      await hashPassword(password, scheme, 10),
    ];
    expect(first).not.toBe(second);
    expect(read(first).scheme).toBe(scheme);
    expect(await read(first).matches(password)).toBe(true);
    expect(await read(first).matches(Buffer.from([0xff, 0]))).toBe(false);
  }
});

test("the forms are those that mosquitto reads: 12 bytes of salt, 64 of hash", async () => {
  const password = Buffer.from("p");
  expect(await hashPassword(password, "pbkdf2-sha512", 1000)).toMatch(
    /^\$7\$1000\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$/,
  );
  expect(await hashPassword(password, "argon2id")).toMatch(
    /^\$argon2id\$v=19\$m=47104,t=1,p=1\$[A-Za-z0-9+/]{86}\$[A-Za-z0-9+/]{86}$/,
  );
});

test("the costliest hash is the one that takes longest", async () => {
  const cost = async (iterations: number) =>
    read(await hashPassword(Buffer.from("p"), "pbkdf2-sha512", iterations)).cost;
  const costs = [read(made.sha512).cost, await cost(101), await cost(1000)];
  expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  expect(read(made.argon2id).cost).toBeGreaterThan(50_000);
});

const salt = "cSfffqOQ9ajRtAM4";
const hash = made.sha512.split("$")[3] ?? "";

const refused: readonly [text: string, why: RegExp][] = [
  ["swordfish", /not hashed/],
  ["$swordfish", /not hashed/],
  ["$5$abc$def", /not hashed/],
  ["$6$$", /damaged/],
  [`$6$${salt}$${hash.slice(0, 20)}`, /damaged/],
  [`$6$${salt}$${hash}$x`, /damaged/],
  [`$6$sword fish$${hash}`, /damaged/],
  [`$7$ten$${salt}$${hash}`, /damaged/],
  [`$7$0$${salt}$${hash}`, /0 iterations, allowed: 1 to/],
  [`$7$10000001$${salt}$${hash}`, /iterations, allowed: 1 to 10000000/],
  [`$7$-5$${salt}$${hash}`, /damaged/],
  [`$argon2id$v=16$m=47104,t=1,p=1$${salt}$${hash}`, /damaged/],
  [`$argon2id$v=19$m=4294967295,t=1,p=1$${salt}$${hash}`, /KiB, allowed/],
  [`$argon2id$v=19$m=47104,t=1000,p=1$${salt}$${hash}`, /beyond the limits/],
  [`$argon2id$v=19$m=47104,t=1,p=1$AAAA$${hash}`, /damaged/],
  [`$argon2id$v=19$t=1,p=1$${salt}$${hash}`, /damaged/],
];

test("a hash that is damaged or would take minutes is refused, and nothing of it is quoted", () => {
  for (const [text, why] of refused) {
    const found = readHash(text);
    expect([text, found]).toEqual([text, expect.stringMatching(why)]);
    expect(found).not.toContain("swordfish");
    expect(found).not.toContain(salt);
  }
});
