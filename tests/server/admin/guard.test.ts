import { describe, expect, test } from "bun:test";
import { Administered } from "../../support/administered.ts";

const status = async (
  admin: Administered,
  headers: Record<string, string>,
  path = "/v1/overview",
) => (await admin.ask(path, { headers })).status;

describe("on loopback", () => {
  const admin = new Administered();

  test.each([
    ["localhost:1888", 200],
    ["LOCALHOST", 200],
    ["127.0.0.1:1888", 200],
    ["[::1]:1888", 200],
    // A listener on 127.5 gets requests under that address.
    ["127.0.0.5:1888", 200],
    ["evil.example", 403],
    ["127.0.0.1.evil.example:1888", 403],
    ["evil@127.0.0.1", 403],
    ["::1", 403],
    ["localhost.evil.example:1888", 403],
    ["192.168.1.7:1888", 403],
  ])("a Host of %s", async (host, expected) => {
    expect(await status(admin, { host })).toBe(expected);
  });

  test.each([
    ["http://localhost:1888", 200],
    ["http://evil.example", 403],
    ["http://localhost:3000", 403],
    ["http://localhost", 403],
    ["http://127.0.0.1:1888", 403],
    ["null", 403],
  ])("a page of the origin %s", async (origin, expected) => {
    expect(await status(admin, { host: "localhost:1888", origin })).toBe(expected);
  });

  test.each([
    ["none", 200],
    ["same-origin", 200],
    ["same-site", 403],
    ["cross-site", 403],
  ])("a request that a browser calls %s", async (site, expected) => {
    expect(await status(admin, { "sec-fetch-site": site })).toBe(expected);
  });

  test("an order from another page is refused before its body is read", async () => {
    const init = { method: "PUT", body: "no JSON", headers: { origin: "http://evil.example" } };
    expect((await admin.ask("/v1/log", init)).status).toBe(403);
  });
});

describe("with a token", () => {
  const admin = new Administered({ admin: { guard: { token: "secret" } } });
  const right = { authorization: "Bearer secret" };

  test.each(["192.168.1.7:1888", "broker.example", "localhost"])("a Host of %s", async (host) => {
    expect(await status(admin, { host, ...right })).toBe(200);
  });

  test.each(["", "Bearer", "Bearer ", "Bearer secret2", "Bearer secre", "Basic secret", "secret"])(
    "authorization %p is insufficient",
    async (authorization) => {
      const answer = await admin.ask("/v1/overview", { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    },
  );

  test("a page of another site is refused all the same", async () => {
    expect(await status(admin, { ...right, origin: "http://evil.example" })).toBe(403);
    expect(await status(admin, { ...right, "sec-fetch-site": "cross-site" })).toBe(403);
  });

  test("a supervisor of the process needs none", async () => {
    expect(await status(admin, {}, "/healthz")).toBe(200);
    expect(await status(admin, {}, "/readyz")).toBe(200);
    expect(await status(admin, {}, "/metrics")).toBe(401);
    expect(await status(admin, {}, "/healthz/../v1/clients")).toBe(401);
  });
});
