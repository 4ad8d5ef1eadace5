import { X509Certificate } from "node:crypto";
import { CliError } from "../config/cli-error.ts";
import type { Env } from "../config/environment.ts";
import type { ReadFile } from "../config/file.ts";
import { load, type Loaded } from "../config/load.ts";
import { folderProblems, namedBy } from "../config/named-files.ts";
import { readCertificateFiles } from "../config/tls-files.ts";
import { unusableSettings } from "../config/unusable.ts";
import { name } from "../log/foreign.ts";
import type { TlsMaterial } from "../transport/tls-contexts.ts";
import { AccessFiles, readAccessOrThrow } from "../server/access/access-files.ts";
import { checkPasswordFiles } from "../server/accounts/accounts.ts";
import { missingTlsFeatures } from "../server/platform.ts";
import { bad, type Finding, ok, warn } from "./doctor-finding.ts";

export interface CheckedConfiguration {
  readonly findings: readonly Finding[];
  readonly certificates: readonly Finding[];
  /** With defaults instead, where it is invalid. */
  readonly loaded: Loaded;
}

/** The configuration with which `mqttd serve` would start here, and the files that it names. */
export async function checkConfiguration(
  configFile: string | null,
  env: Env,
  readFile: ReadFile,
): Promise<CheckedConfiguration> {
  const loaded = load({ configFile, flags: [], env, readFile });
  if (!loaded.ok) {
    const findings = loaded.problems.map((problem) => bad(`configuration: ${problem}`, repair));
    return { findings, certificates: [], loaded: defaults(readFile) };
  }
  const { settings, file } = loaded;
  const source = file === null ? "no file, so defaults and environment" : name(file);
  const { crl } = missingTlsFeatures();
  const { materials, admin, problems, warnings } = readCertificateFiles(loaded, readFile, !crl);
  const files = await namedFiles(loaded);
  const risks = unusableSettings(settings).map((text) => warn(`configuration: ${text}`));
  const dates = [
    ...[...materials].map(([index, material]) => [`listeners.${index}`, material] as const),
    ...(admin === null ? [] : [["admin", admin] as const]),
  ].flatMap(([place, material]) => validity(place, material, Date.now()));
  return {
    findings: [ok(`configuration: valid (${source})`), ...files, ...risks],
    certificates: [
      ...problems.map((text) => bad(`certificates: ${text}`, repair)),
      ...warnings.map((text) => warn(`certificates: ${text}`)),
      ...dates,
    ],
    loaded,
  };
}

const repair = "mqttd serve --test-config shows it again";

function defaults(readFile: ReadFile): Loaded {
  const missing: ReadFile = (file) => (file === "" ? readFile(file) : { type: "missing" });
  const loaded = load({ configFile: null, flags: [], env: {}, readFile: missing });
  if (!loaded.ok) throw new Error(`the defaults are valid: ${loaded.problems.join()}`);
  return loaded;
}

/** Accounts and access lists. */
async function namedFiles(loaded: Loaded): Promise<Finding[]> {
  const { listeners } = loaded.settings;
  const named = namedBy(loaded);
  const folders = folderProblems(loaded).map(({ at, text }) =>
    bad(`configuration: ${at}: ${text}`, repair),
  );
  try {
    const accounts = checkPasswordFiles(listeners, named);
    const access = await readAccessOrThrow(
      new AccessFiles(),
      listeners,
      accounts.accountsOf,
      named,
    );
    const warnings = [...accounts.warnings, ...access.warnings];
    return [...folders, ...warnings.map((text) => warn(`configuration: ${text}`))];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const lines = error.message.split("\n");
    return [...folders, ...lines.map((text) => bad(`configuration: ${text}`, repair))];
  }
}

const dayMs = 24 * 3600 * 1000;

/** Until when the certificates of one listener hold; those that end soon have a warning already. */
export function validity(place: string, { certificates }: TlsMaterial, now: number): Finding[] {
  return certificates.flatMap(({ cert }) => {
    const { subject, validToDate } = new X509Certificate(cert);
    const left = validToDate.getTime() - now;
    if (left <= 0) return [];
    const until = validToDate.toISOString().slice(0, 10);
    const whose = name(subject.replaceAll("\n", ", "));
    return [
      ok(`certificates: ${place} (${whose}) until ${until}, ${Math.floor(left / dayMs)} days`),
    ];
  });
}
