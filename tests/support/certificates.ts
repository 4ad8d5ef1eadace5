import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { spawnSync } from "./child.ts";

/** Why no certificates can be made; null: they can. */
export const opensslMissing: string | null =
  Bun.which("openssl") === null ? "openssl is not installed" : null;

/** Files with a certificate and its key, and what is in them. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate authority in a folder of its own, and what it issues. */
export class Authority implements Disposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), "mqttd-certificates-"));
  readonly root: Certificate;

  constructor(name = "Test CA") {
    this.#run([
      "req",
      "-x509",
      ...curve,
      "-days",
      "30",
      "-subj",
      `/CN=${name}`,
      ...this.#out("ca"),
    ]);
    this.root = this.#read("ca");
  }

  /** `names`: `DNS:localhost`, `IP:127.0.0.1`. `days` below 0: it has expired. */
  issue(name: string, names: readonly string[], days = 30): Certificate {
    const [request, extensions] = [this.#file(`${name}.csr`), this.#file(`${name}.ext`)];
    this.#run(
      ["req", ...curve, "-subj", `/CN=${name}`, "-keyout", this.#file(`${name}.key`)],
      request,
    );
    writeFileSync(extensions, `subjectAltName=${names.join(",")}\n`);
    const issuer = ["-CA", this.root.certFile, "-CAkey", this.root.keyFile, "-CAcreateserial"];
    const what = ["x509", "-req", "-in", request, ...issuer, "-extfile", extensions];
    this.#run([...what, "-days", String(days)], this.#file(`${name}.crt`));
    return this.#read(name);
  }

  /** A list of revoked certificates (CRL) with these in it, PEM. */
  revoke(certificates: readonly Certificate[]): string {
    const [config, list] = [this.#file("ca.cnf"), this.#file("ca.crl")];
    writeFileSync(this.#file("index.txt"), "");
    writeFileSync(this.#file("crlnumber"), "01\n");
    const settings = { database: "index.txt", crlnumber: "crlnumber", new_certs_dir: "." };
    const lines = Object.entries(settings).map(([key, name]) => `${key} = ${this.#file(name)}`);
    const rules = ["default_md = sha256", "default_crl_days = 30"];
    writeFileSync(config, ["[ca]", "default_ca = it", "[it]", ...lines, ...rules, ""].join("\n"));
    const signed = ["-config", config, "-cert", this.root.certFile, "-keyfile", this.root.keyFile];
    for (const { certFile } of certificates) this.#run(["ca", ...signed, "-revoke", certFile]);
    this.#run(["ca", ...signed, "-gencrl"], list);
    return readFileSync(list, "utf8");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.folder, name);
  }

  #out(name: string): string[] {
    return ["-keyout", this.#file(`${name}.key`), "-out", this.#file(`${name}.crt`)];
  }

  #read(name: string): Certificate {
    const [certFile, keyFile] = [this.#file(`${name}.crt`), this.#file(`${name}.key`)];
    const text = (file: string): string => readFileSync(file, "utf8");
    return { certFile, keyFile, cert: text(certFile), key: text(keyFile) };
  }

  #run(args: readonly string[], out: string | null = null): void {
    const { exitCode, stderr } = spawnSync([
      "openssl",
      ...args,
      ...(out === null ? [] : ["-out", out]),
    ]);
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr.toString()}`);
  }
}
