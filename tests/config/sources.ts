import { beginningBytes, type FileRead, fileMax } from "../../src/config/file.ts";
import { load, type LoadResult, type Sources } from "../../src/config/load.ts";

/** Sources without a process or a disk: files by name, as text or as the result of reading them. */
export function sources(given: {
  readonly files?: Readonly<Record<string, string | Uint8Array | FileRead>>;
  readonly env?: Sources["env"];
  /** `PATH=VALUE`, the form of `--set`. */
  readonly set?: readonly string[];
  readonly configFile?: string;
}): Sources {
  const files = new Map(Object.entries(given.files ?? {}));
  return {
    configFile: given.configFile ?? null,
    env: given.env ?? {},
    flags: (given.set ?? []).map((text) => {
      const [path = "", value = ""] = text.split("=");
      return { path, value, name: `--set ${path}` };
    }),
    readFile: (name) => readGiven(files.get(name)),
  };
}

function readGiven(content: string | Uint8Array | FileRead | undefined): FileRead {
  if (content === undefined) return { type: "missing" };
  if (typeof content !== "string" && !(content instanceof Uint8Array)) return content;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  if (bytes.length <= fileMax) return { type: "read", bytes };
  return { type: "too large", beginning: bytes.subarray(0, beginningBytes) };
}

export function loaded(given: Parameters<typeof sources>[0]): LoadResult & { ok: true } {
  const result = load(sources(given));
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result;
}

/** Every problem, one a line. */
export function problems(given: Parameters<typeof sources>[0]): string {
  const result = load(sources(given));
  return result.ok ? "" : result.problems.join("\n");
}
