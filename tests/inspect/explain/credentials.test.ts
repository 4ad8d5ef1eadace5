import { expect, test } from "bun:test";
import { credentialsAdvice } from "../../../src/inspect/explain/credentials.ts";
import { anonymousOnly, type Credentials } from "../../../src/server/auth.ts";
import type { ConnectionAccount } from "../../../src/core/records/client-account.ts";

const connection = (username: string | null) => ({ username }) as ConnectionAccount;

test("each refusal of credentials names what to change", () => {
  const advice = (detail: string, username: string | null = "alice smith") =>
    credentialsAdvice(detail, connection(username));
  expect(advice("wrong password, failure 3 from this address, answered after 200 ms")).toContain(
    "`mqttd passwd FILE 'alice smith'`",
  );
  expect(advice("unknown user name")).toContain("is called 'alice smith'");
  expect(advice("a user name without a password")).toContain("its password in CONNECT");
  expect(advice("anonymous clients are not allowed", null)).toContain("mqttd passwd FILE USER");
  expect(advice("the will payload is empty")).toBeNull();
});

test("the details of a listener without accounts are known", () => {
  for (const username of [null, "alice"]) {
    const credentials = {
      ...{ clientId: "a", username, password: null, remote: "", isLocal: true, until: 0 },
      listener: { name: "", mountPoint: "", connections: 1, allowAnonymous: false },
    };
    anonymousOnly(credentials as unknown as Credentials, (refused) => {
      expect(credentialsAdvice(refused?.detail ?? "", connection(username))).not.toBeNull();
    });
  }
});
