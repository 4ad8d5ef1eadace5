import type { Env } from "./environment.ts";
import type { FileRead } from "./file.ts";
import type { Sources } from "./load.ts";
import type { Problem } from "./problem.ts";

/** The file that a load reads, if any. */
export interface FoundFile {
  readonly read: { readonly name: string; readonly content: FileRead } | null;
  /** What named it: `--config`, `MQTTD_CONFIG`; null: found in a default place. */
  readonly namedBy: string | null;
  readonly problems: readonly Problem[];
}

/**
 * `--config`, else MQTTD_CONFIG, else the current folder, else the user's configuration folder. A
 * named file must exist; a file in a default place may be absent, but an unreadable one is an
 * error.
 */
export function findConfigFile(sources: Sources): FoundFile {
  const { env, readFile } = sources;
  if (sources.configFile === "")
    return notFound("--config", 'found "", allowed: the name of a file');
  const named = sources.configFile ?? env["MQTTD_CONFIG"];
  const namedBy = sources.configFile === null ? "MQTTD_CONFIG" : "--config";
  // Shells and compose files use an empty variable for "not set".
  if (named) return { read: { name: named, content: readFile(named) }, namedBy, problems: [] };

  const here = ["mqttd.json", "mqttd.jsonc"]
    .map((name) => ({ name, content: readFile(name) }))
    .filter(({ content }) => content.type !== "missing");
  if (here.length > 1) {
    const text = "both exist here; keep one, or name one with --config";
    return notFound("mqttd.json, mqttd.jsonc", text);
  }
  return { read: here[0] ?? ownFile(sources), namedBy: null, problems: [] };
}

function notFound(at: string, text: string): FoundFile {
  return { read: null, namedBy: null, problems: [{ at, text }] };
}

function ownFile({ env, readFile }: Sources): FoundFile["read"] {
  const folder = configFolder(env);
  if (folder === null) return null;
  const name = `${folder}/mqttd/config.json`;
  const content = readFile(name);
  return content.type === "missing" ? null : { name, content };
}

/** XDG: ignores a relative path in the variable, which is invalid. */
function configFolder(env: Env): string | null {
  const own = env["XDG_CONFIG_HOME"];
  if (own && /^([/\\]|[A-Za-z]:)/.test(own)) return own.replace(/[/\\]+$/, "");
  const home = env["HOME"];
  return home ? `${home.replace(/[/\\]+$/, "")}/.config` : null;
}
