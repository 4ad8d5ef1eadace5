import { CliError } from "../config/cli-error.ts";
import type { ReadFile } from "../config/file.ts";
import type { Loaded, NotLoaded } from "../config/load.ts";
import { folderProblems, namedBy } from "../config/named-files.ts";
import { placeOf, problemLines } from "../config/problem.ts";
import type { CertificateFiles } from "../config/tls-files.ts";
import { unusableSettings } from "../config/unusable.ts";
import type { AccountsOf } from "../server/accounts/accounts.ts";
import type { Surroundings } from "./command.ts";
import { linesFor } from "./remark.ts";

/** What a valid configuration's files are like: one line each. */
export interface CheckedFiles {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks every file that a configuration names, as `serve` does at its start. Creates none. */
export async function checkFiles(
  loaded: Loaded,
  certificates: CertificateFiles,
): Promise<CheckedFiles> {
  const { listeners, admin } = loaded.settings;
  const problems = [...certificates.problems, ...problemLines(folderProblems(loaded))];
  const warnings = [...certificates.warnings, ...unusableSettings(loaded.settings)];
  const collect = async (check: () => readonly string[] | Promise<readonly string[]>) => {
    try {
      warnings.push(...(await check()));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      const { message, hint } = error;
      problems.push(...(hint === null ? message.split("\n") : [`${message} (${hint})`]));
    }
  };
  const { port, tokenFile } = admin;
  if (port !== null && tokenFile !== null) {
    const { checkTokenFile } = await import("../server/admin/token-file.ts");
    await collect(() => {
      checkTokenFile(tokenFile, placeOf("admin.tokenFile", loaded.origins));
      return [];
    });
  }
  const named = namedBy(loaded);
  const { checkPasswordFiles } = await import("../server/accounts/accounts.ts");
  const { AccessFiles, readAccessOrThrow } = await import("../server/access/access-files.ts");
  let accountsOf: AccountsOf = () => undefined;
  await collect(() => {
    const accounts = checkPasswordFiles(listeners, named);
    accountsOf = accounts.accountsOf;
    return accounts.warnings;
  });
  await collect(
    async () => (await readAccessOrThrow(new AccessFiles(), listeners, accountsOf, named)).warnings,
  );
  return { problems, warnings };
}

/**
 * The problems of a configuration that is not valid, and those of the files that its valid part
 * names: all at once.
 */
export async function problemsOf(
  { problems, valid }: NotLoaded,
  readFile: ReadFile,
): Promise<readonly string[]> {
  if (valid === null) return problems;
  const certificates = (await certificateReader(valid, readFile))(valid);
  return [...problems, ...(await checkFiles(valid, certificates)).problems];
}

/** Reads the files of TLS; loads what that takes only if a listener has TLS. */
export async function certificateReader(
  { settings }: Loaded,
  readFile: ReadFile,
): Promise<(loaded: Loaded) => CertificateFiles> {
  const hasTls = settings.admin.tls !== null || settings.listeners.some(({ tls }) => tls !== null);
  if (!hasTls) return () => ({ materials: new Map(), admin: null, problems: [], warnings: [] });
  const { readCertificateFiles } = await import("../config/tls-files.ts");
  const { missingTlsFeatures } = await import("../server/platform.ts");
  const { crl } = missingTlsFeatures();
  return (loaded) => readCertificateFiles(loaded, readFile, !crl);
}

/** `ok: mqttd.json, MQTTD_LOG__LEVEL and --port`, and the warnings on stderr. */
export function printChecked(
  loaded: Loaded,
  warnings: readonly string[],
  { print, printError, screen }: Pick<Surroundings, "print" | "printError" | "screen">,
): void {
  print(linesFor(screen("stdout"), `ok: ${sourcesText(loaded)}\n`));
  for (const text of warnings) printError(`mqttd: warning: ${text}\n`);
}

/** Every source of a value. */
function sourcesText({ file, origins }: Loaded): string {
  const named = [...origins.values()]
    .filter(({ source }) => source === "flag" || source === "environment")
    .map(({ name }) => name);
  const all = [file ?? "no configuration file, defaults", ...new Set(named)];
  return all.length === 1 ? all.join() : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}
