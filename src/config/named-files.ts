import { statSync } from "node:fs";
import path from "node:path";
import { escapeUnprintable } from "../log/foreign.ts";
import type { Loaded } from "./load.ts";
import { bare, placeOf, type Problem } from "./problem.ts";

/** Keys of `auth` and of a listener that name a file. */
type FileKey = "passwordFile" | "aclFile";

/** Where a configuration names a file: `mqttd.json:7:15 auth.aclFile`; null: it does not. */
export type NamedBy = (key: FileKey, file: string) => string | null;

/** Finds the first key that names a file, in the order of `auth` and the listeners. */
export function namedBy({ config, origins }: Pick<Loaded, "config" | "origins">): NamedBy {
  const groups = [
    ["auth", config.auth] as const,
    ...config.listeners.map((listener, index) => [`listeners.${index}`, listener] as const),
  ];
  return (key, file) => {
    const group = groups.find(([, keys]) => keys[key] === file)?.[0];
    return group === undefined ? null : placeOf(`${group}.${key}`, origins);
  };
}

/**
 * The problems of a file, at the key that names it; those of its lines keep theirs, the line.
 * `place` null: no key does.
 */
export function atKey(
  problems: readonly Problem[],
  file: string,
  place: string | null,
): readonly Problem[] {
  if (place === null) return problems;
  return problems.map((problem) =>
    problem.at === file || problem.at === bare(file)
      ? { at: place, text: `${escapeUnprintable(file)}: ${problem.text}` }
      : problem,
  );
}

/** Folders that a valid configuration needs, and that are not there or are something else. */
export function folderProblems({ settings, origins }: Loaded): Problem[] {
  const problems: Problem[] = [];
  for (const [index, { path: socket }] of settings.listeners.entries()) {
    const folder = socket === null ? null : path.dirname(socket);
    if (folder === null || kindOf(folder) === "folder") continue;
    const at = placeOf(`listeners.${index}.path`, origins);
    problems.push({
      at,
      text: `${escapeUnprintable(socket ?? "")}: there is no folder ${escapeUnprintable(folder)}`,
    });
  }
  const store = settings.store.path;
  const way = store === null ? null : firstThere(store);
  if (store !== null && way !== null && kindOf(way) !== "folder") {
    const text = `${escapeUnprintable(way)} is a file, allowed: a folder`;
    problems.push({ at: placeOf("store.path", origins), text });
  }
  return problems;
}

/** The path, or the first of the folders above it that exists; null: none can be seen. */
function firstThere(name: string): string | null {
  for (let here = path.resolve(name); ; here = path.dirname(here)) {
    if (kindOf(here) !== null) return here;
    if (here === path.dirname(here)) return null;
  }
}

function kindOf(name: string): "folder" | "file" | null {
  try {
    return statSync(name).isDirectory() ? "folder" : "file";
  } catch {
    // Not there, or not to be seen: opening it says which.
    return null;
  }
}
