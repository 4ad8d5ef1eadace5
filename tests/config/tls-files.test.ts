import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { FileRead } from "../../src/config/file.ts";
import { readCertificateFiles } from "../../src/config/tls-files.ts";
import { unusableSettings } from "../../src/config/unusable.ts";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { spawnSync } from "../support/child.ts";
import { loaded, problems, sources } from "./sources.ts";

const made = opensslMissing === null ? certificates() : null;
afterAll(() => made?.[Symbol.dispose]());

const day = 24 * 3600 * 1000;

function certificates() {
  const stack = new DisposableStack();
  const [own, foreign] = [stack.use(new Authority("Lab CA")), stack.use(new Authority("Other CA"))];
  const broker = own.issue("broker", ["DNS:localhost"]);
  const other = own.issue("other", ["DNS:localhost"]);
  const files = {
    "broker.crt": broker.cert,
    "broker.key": broker.key,
    "ca.crt": own.root.cert,
    "ca.crl": own.revoke([other]),
    "foreign.crl": foreign.revoke([]),
  };
  return { files, other, [Symbol.dispose]: () => stack.dispose() };
}

const given = ["transport=tls", "tls.cert=broker.crt", "tls.key=broker.key"];
const mutual = ["tls.ca=ca.crt", "tls.requestCert=true"];

function flags(settings: readonly string[]): string[] {
  return [...given, ...settings].map((one) => `listeners.0.${one}`);
}

describe.if(made !== null)("the files of TLS", () => {
  const { files, other } = made as NonNullable<typeof made>;

  /** What is said of these files; a later one replaces that of its name. */
  function said(
    more: Readonly<Record<string, string | FileRead>>,
    settings: readonly string[] = [],
    now = Date.now(),
  ) {
    const all = sources({ files: { ...files, ...more } });
    const result = loaded({ set: flags(settings) });
    const read = readCertificateFiles(result, all.readFile, true, now);
    const short = (line: string): string => line.replace("--set listeners.0.tls.", "");
    return { problems: read.problems.map(short), warnings: read.warnings.map(short) };
  }

  function cut(text: string): string {
    return text.slice(0, text.length / 2);
  }

  /** A block whose end is there and whose middle is not. */
  function damaged(text: string): string {
    const lines = text.split("\n");
    return lines.filter((_, index) => index !== 2 && index !== 3).join("\n");
  }

  test("whole files that fit each other: nothing to say", () => {
    const quiet = { problems: [], warnings: [] };
    expect(said({})).toEqual(quiet);
    expect(said({}, [...mutual, "tls.crl=ca.crl"])).toEqual(quiet);
    const chain = files["broker.crt"] + files["ca.crt"];
    expect(said({ "broker.crt": chain })).toEqual(quiet);
  });

  test("an RSA key that no client, or hardly any, shakes hands with", () => {
    using folder = new Authority("Short keys");
    const saidOf = (bits: number) => {
      const [key, cert] = ["key", "crt"].map((end) => path.join(folder.folder, `${bits}.${end}`));
      const words = ["req", "-x509", "-newkey", `rsa:${bits}`, "-nodes", "-subj", "/CN=localhost"];
      const out = ["-days", "30", "-keyout", key ?? "", "-out", cert ?? ""];
      spawnSync(["openssl", ...words, ...out]);
      const text = (file = ""): string => readFileSync(file, "utf8");
      return said({ "broker.key": text(key), "broker.crt": text(cert) });
    };
    expect(saidOf(512)).toEqual({
      problems: [
        "key: broker.key is an RSA key of 512 bits, with which no handshake succeeds; use one of 2048",
      ],
      warnings: [],
    });
    expect(saidOf(1024)).toEqual({
      problems: [],
      warnings: [
        "key: broker.key is an RSA key of 1024 bits: most clients refuse it; use one of 2048",
      ],
    });
    expect(saidOf(2048)).toEqual({ problems: [], warnings: [] });
  });

  const broken = "the file was cut, or damaged";
  const wrong: readonly (readonly [string, Record<string, string>, string])[] = [
    [
      "a cut CA",
      { "ca.crt": cut(files["ca.crt"]) },
      `ca: ca.crt: its CERTIFICATE has no end: ${broken}`,
    ],
    [
      "a cut second CA",
      { "ca.crt": files["ca.crt"] + cut(files["ca.crt"]) },
      `ca: ca.crt: its CERTIFICATE 2 has no end: ${broken}`,
    ],
    [
      "a damaged CA",
      { "ca.crt": damaged(files["ca.crt"]) },
      "ca: ca.crt: its CERTIFICATE is damaged",
    ],
    [
      "a cut list",
      { "ca.crl": cut(files["ca.crl"]) },
      `crl: ca.crl: its X509 CRL has no end: ${broken}`,
    ],
    [
      "a damaged list",
      { "ca.crl": damaged(files["ca.crl"]) },
      "crl: ca.crl: its X509 CRL is damaged",
    ],
    [
      "a cut certificate",
      { "broker.crt": cut(files["broker.crt"]) },
      `cert: broker.crt: its CERTIFICATE has no end: ${broken}`,
    ],
    [
      "a cut key",
      { "broker.key": cut(files["broker.key"]) },
      `key: broker.key: its PRIVATE KEY has no end: ${broken}`,
    ],
    [
      "its CA before its certificate",
      { "broker.crt": files["ca.crt"] + files["broker.crt"] },
      "cert: broker.crt begins with another certificate: put that of broker.key first, its CAs behind it",
    ],
    ["another key", { "broker.key": other.key }, "key: broker.key is not the key of broker.crt"],
  ];
  test.each(wrong)("%s is a problem of its own key", (_what, more, problem) => {
    expect(said(more, [...mutual, "tls.crl=ca.crl"]).problems).toEqual([problem]);
  });

  test("rules that let no client in give a warning", () => {
    expect(said({}, ["tls.requestCert=true"]).warnings).toEqual([
      "requestCert: accepts only certificates of CAs that this system trusts; name yours in tls.ca",
    ]);
    expect(said({}, [...mutual, "tls.crl=foreign.crl"]).warnings).toEqual([
      "crl: foreign.crl is not by a CA in tls.ca: it refuses every client",
    ]);
    const later = said({}, [...mutual, "tls.crl=ca.crl"], Date.now() + 60 * day).warnings.join(
      "\n",
    );
    expect(later).toMatch(
      /^ca: ca\.crt: the CA "Lab CA" expired on .* UTC: its clients are refused$/m,
    );
    expect(later).toMatch(/^crl: ca\.crl expired on .* UTC: it refuses every client$/m);
    const sooner = said({}, [...mutual, "tls.crl=ca.crl"], Date.now() - 60 * day).warnings.join(
      "\n",
    );
    expect(sooner).toMatch(
      /^ca: ca\.crt: the CA "Lab CA" is valid from .*: its clients are refused$/m,
    );
    expect(sooner).toContain("crl: ca.crl is not valid yet: it refuses every client");
    const both = files["foreign.crl"] + files["ca.crl"];
    expect(said({ "ca.crl": both }, [...mutual, "tls.crl=ca.crl"]).warnings).toEqual([]);
  });

  test("secrets that every user may read give a warning; certificates do not", () => {
    const read = (text: string, mode: number): FileRead => ({
      ...{ type: "read", bytes: new TextEncoder().encode(text), mode },
    });
    const open = {
      "broker.crt": read(files["broker.crt"], 0o100644),
      "broker.key": read(files["broker.key"], 0o100644),
      pass: read("secret\n", 0o100666),
    };
    expect(said(open, ["tls.passphraseFile=pass"]).warnings).toEqual([
      "key: broker.key is readable by every user of this machine: chmod o= broker.key",
      "passphraseFile: pass is writable by every user of this machine: chmod o= pass",
    ]);
    expect(said({ "broker.key": read(files["broker.key"], 0o100640) }).warnings).toEqual([]);
  });
});

test("a listener whose certificates are the user names refuses nobody for want of a password file", () => {
  const settings = [...mutual, "tls.identityAsUsername=true", "allowAnonymous=false"];
  expect(unusableSettings(loaded({ set: flags(settings) }).settings)).toEqual([]);
  const unnamed = loaded({ set: flags([...mutual, "allowAnonymous=false"]) });
  expect(unusableSettings(unnamed.settings)).toHaveLength(1);
});

test("rules for clients' certificates need the demand for one", () => {
  const needed = "needs listeners.0.tls.requestCert, true";
  const all = ["tls.ca=ca.crt", "tls.crl=ca.crl", "tls.identityAsUsername=true"];
  expect(problems({ set: flags(all) }).split("\n")).toEqual([
    `--set listeners.0.tls.ca: ${needed}`,
    `--set listeners.0.tls.crl: ${needed}`,
    `--set listeners.0.tls.identityAsUsername: ${needed}`,
  ]);
  expect(problems({ set: flags([...all, "tls.requestCert=true"]) })).toBe("");
  const admin = ["cert=a", "key=b", "ca=c"].map((one) => `admin.tls.${one}`);
  expect(problems({ set: admin })).toBe("--set admin.tls.ca: needs admin.tls.requestCert, true");
});
