import { afterAll, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { serverNameOf } from "../../src/cli/machine-names.ts";
import { width } from "../../src/log/columns.ts";
import { opensslMissing } from "../support/certificates.ts";
import { spawnSync } from "../support/child.ts";
import { mqttd } from "./surroundings.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-certs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const place = (): string => path.join(mkdtempSync(path.join(folder, "c-")), "certs");
const text = (at: string, file: string): string => readFileSync(path.join(at, file), "utf8");
const certificate = (at: string, name: string) => new X509Certificate(text(at, `${name}.crt`));
const all = (at: string) =>
  Object.fromEntries(readdirSync(at).map((file) => [file, text(at, file)]));

async function certs(...args: readonly string[]) {
  const { code, stdout, stderr } = await mqttd(["certs", ...args]);
  return { code, stdout, stderr };
}

async function made(...args: readonly string[]): Promise<string> {
  const outcome = await certs(...args);
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  return outcome.stdout;
}

const hours = 3600 * 1000;

test("a CA and a server certificate for this machine, for this user only", async () => {
  const at = place();
  const said = await made(at);
  expect(readdirSync(at).toSorted()).toEqual(["ca.crt", "ca.key", "server.crt", "server.key"]);
  for (const file of readdirSync(at)) {
    expect(statSync(path.join(at, file)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(at).mode & 0o777).toBe(0o700);
  const [ca, server] = [certificate(at, "ca"), certificate(at, "server")];
  expect(ca.ca).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.checkIssued(ca)).toBe(true);
  expect(server.verify(ca.publicKey)).toBe(true);
  expect(server.checkHost("localhost")).toBe("localhost");
  for (const address of ["127.0.0.1", "::1"]) expect(server.checkIP(address)).toBeDefined();
  expect(server.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  const days = (Date.parse(server.validTo) - Date.now()) / (24 * hours);
  expect(Math.round(days)).toBe(365);
  expect(Date.parse(server.validFrom)).toBeLessThan(Date.now() - 0.9 * hours);
  expect(said).toContain(`--set listeners.0.tls.cert=${path.join(at, "server.crt")}`);
  expect(said).toContain(`--cafile ${path.join(at, "ca.crt")}`);
});

test("clients' certificates have their name, and come from the CA that is there", async () => {
  const at = place();
  await made(at);
  const before = all(at);
  const said = await made(at, "--client", "dev-42", "--client", "dev-43", "--days", "30");
  expect(all(at)).toMatchObject(before);
  for (const name of ["dev-42", "dev-43"]) {
    const client = certificate(at, name);
    expect(client.subject).toBe(`CN=${name}`);
    expect(client.verify(certificate(at, "ca").publicKey)).toBe(true);
    expect(client.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  }
  expect(said).toContain(`--cert ${path.join(at, "dev-42.crt")}`);
});

test("nothing is overwritten without --force; with it, the CA stays", async () => {
  const at = place();
  await made(at, "--client", "dev-42");
  const before = all(at);
  for (const args of [[at], [at, "--client", "dev-42"], [at, "--client", "new", "--name", "x"]]) {
    const outcome = await certs(...args);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toMatch(/exist, valid until \d{4}-\d\d-\d\d \(--force renews/);
  }
  expect(all(at)).toEqual(before);
  await made(at, "--force", "--name", "broker.lab.example", "--name", "192.0.2.7");
  const after = all(at);
  expect(after["ca.key"]).toBe(before["ca.key"] ?? "");
  expect(after["ca.crt"]).toBe(before["ca.crt"] ?? "");
  expect(after["dev-42.crt"]).toBe(before["dev-42.crt"] ?? "");
  const server = certificate(at, "server");
  expect(server.subject).toBe("CN=broker.lab.example");
  expect(server.checkIP("192.0.2.7")).toBeDefined();
  expect(server.verify(certificate(at, "ca").publicKey)).toBe(true);
});

test("a CA that can't be used is named, and nothing is written", async () => {
  const at = place();
  await made(at);
  const other = place();
  await made(other);
  const cases: readonly [file: string, content: string | null, why: string][] = [
    ["ca.key", "damaged", "the key is no unencrypted P-256 key"],
    ["ca.crt", "damaged", "the certificate is not PEM"],
    ["ca.key", text(other, "ca.key"), "the key does not belong to the certificate"],
    ["ca.crt", text(other, "server.crt"), "the certificate is not that of a CA"],
    ["ca.key", null, "is there alone"],
  ];
  const before = all(at);
  for (const [file, content, why] of cases) {
    if (content === null) rmSync(path.join(at, file));
    else writeFileSync(path.join(at, file), content);
    const outcome = await certs(at, "--client", "dev-42");
    expect(outcome.stderr.trim().split("\n")).toEqual([expect.stringContaining(why)]);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(readdirSync(at)).not.toContain("dev-42.crt");
    writeFileSync(path.join(at, file), before[file] ?? "");
  }
});

test("errors in usage", async () => {
  const at = place();
  for (const [args, why] of [
    [["--days", "0"], "allowed: 1 to 3650"],
    [["--days", "1.5"], "allowed: 1 to 3650"],
    [["--name", "a b"], "a DNS name or an IP address"],
    [["--client", "../evil"], "1 to 64 of"],
    [["--client", "ca"], "neither ca nor server"],
    [["--client", ""], "1 to 64 of"],
  ] as const) {
    const outcome = await certs(at, ...args);
    expect({ args, outcome }).toMatchObject({
      args,
      outcome: { code: 2, stderr: expect.stringContaining(why) },
    });
  }
  expect(await certs(path.join(folder, "none", "\0"))).toMatchObject({ code: 2 });
});

test("names of a server", () => {
  expect(serverNameOf("Broker.Lab.")).toEqual({ type: "dns", value: "broker.lab" });
  expect(serverNameOf("*.lab.example")).toEqual({ type: "dns", value: "*.lab.example" });
  expect(serverNameOf("[::1]")).toEqual({ type: "ip", value: "::1" });
  expect(serverNameOf("192.0.2.1")).toEqual({ type: "ip", value: "192.0.2.1" });
  for (const wrong of ["", "a b", "-a", "a..b", "https://x", "x:1", "x".repeat(64)]) {
    expect([wrong, serverNameOf(wrong)]).toEqual([wrong, null]);
  }
});

test.skipIf(opensslMissing !== null)("openssl verifies them for their purposes", async () => {
  const at = place();
  await made(at, "--client", "dev-42");
  const verify = (purpose: string, name: string): number | null =>
    spawnSync([
      ...["openssl", "verify", "-x509_strict", "-purpose", purpose],
      ...["-CAfile", path.join(at, "ca.crt"), path.join(at, `${name}.crt`)],
    ]).exitCode;
  expect(verify("sslserver", "server")).toBe(0);
  expect(verify("sslclient", "dev-42")).toBe(0);
  expect(verify("sslserver", "dev-42")).not.toBe(0);
  expect(verify("sslclient", "server")).not.toBe(0);
});

test("on a narrow terminal only a line with a long path is wider than it", async () => {
  const { stdout } = await mqttd(["certs", place()], { columns: 40 });
  const wide = stdout.split("\n").filter((line) => width(line) > 40);
  for (const line of wide) expect(line).toMatch(/^ *(--set )?\S+( \\)?$/);
  expect(stdout.replaceAll(/ \\\n +/g, " ")).toContain("-t test -m hello\n");
});
