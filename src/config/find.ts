import type { Env } from "./environment.ts";
import type { FileRead } from "./file.ts";
import type { Sources } from "./load.ts";
import type { Problem } from "./problem.ts";

/** The file that a load reads, if there is one. */
export interface FoundFile {
  readonly read: { readonly name: string; readonly content: FileRead } | null;
  /** What named it: `--config`, `MQTTD_CONFIG`; null: it was found in a usual place. */
  readonly namedBy: string | null;
  readonly problems: readonly Problem[];
}

/**
 * `--config`, else MQTTD_CONFIG, else the folder, else the user's own. A named file must be there;
 * one in a usual place may be absent, but is never passed over because it can't be read.
 */
export function findConfigFile(sources: Sources): FoundFile {
  const { env, readFile } = sources;
  if (sources.configFile === "")
    return notFound("--config", 'found "", allowed: the name of a file');
  const named = sources.configFile ?? env["MQTTD_CONFIG"];
  const namedBy = sources.configFile === null ? "MQTTD_CONFIG" : "--config";
  // An empty variable is how shells and compose files say that it is not set.
  if (named) return { read: { name: named, content: readFile(named) }, namedBy, problems: [] };

  const here = ["mqttd.json", "mqttd.jsonc"]
    .map((name) => ({ name, content: readFile(name) }))
    .filter(({ content }) => content.type !== "missing");
  if (here.length > 1) {
    const text = "both are here; keep one of them, or name one with --config";
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

/** XDG: a relative path in the variable is invalid, and is ignored. */
function configFolder(env: Env): string | null {
  const own = env["XDG_CONFIG_HOME"];
  if (own && /^([/\\]|[A-Za-z]:)/.test(own)) return own.replace(/[/\\]+$/, "");
  const home = env["HOME"];
  return home ? `${home.replace(/[/\\]+$/, "")}/.config` : null;
}
