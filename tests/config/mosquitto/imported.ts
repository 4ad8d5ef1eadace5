import { type Imported, importConf, type NamedFile } from "../../../src/config/mosquitto/import.ts";
import { loaded, problems } from "../sources.ts";

const isThere: NamedFile = { isThere: true, problems: [], warnings: [] };

/** Imports `main` of these files; folders are those that the names have. */
export async function imported(
  files: Readonly<Record<string, string>>,
  given: { readonly rest?: boolean; readonly named?: Readonly<Record<string, NamedFile>> } = {},
): Promise<Imported> {
  const [main = ""] = Object.keys(files);
  return importConf(
    main,
    {
      readFile: (name) => {
        const text = files[name];
        if (text === undefined) return { type: "missing" };
        return { type: "read", bytes: new TextEncoder().encode(text) };
      },
      namesIn: (folder) => {
        const base = folder.endsWith("/") ? folder : `${folder}/`;
        const names = Object.keys(files).filter((name) => name.startsWith(base));
        return names.length === 0 ? null : names.map((name) => name.slice(base.length));
      },
    },
    {
      takesRest: given.rest ?? false,
      check: (_, file) => given.named?.[file] ?? isThere,
      errorsIn: (text) => {
        const found = problems({ files: { "mqttd.jsonc": text } });
        return found === "" ? [] : found.split("\n");
      },
    },
  );
}

/** Each line's number, fate and keys, one a line. */
export function fates({ accounts }: Imported): string {
  return accounts
    .map(({ line, fate, keys, closes }) => {
      const set = keys.map(({ path, value }) => `${path}=${JSON.stringify(value)}`);
      return [line, fate, ...(closes ? ["(closes)"] : []), ...set].join(" ");
    })
    .join("\n");
}

/** The account of one line. */
export function lineOf({ accounts }: Imported, number: number) {
  const account = accounts.find(({ line }) => line === number);
  if (account === undefined) throw new Error(`line ${number} has no account`);
  return account;
}

/** What mqttd makes of the written text. */
export function settingsIn({ text, problems }: Imported) {
  if (text === null) throw new Error(problems.join("\n"));
  return loaded({ files: { "mqttd.jsonc": text } }).settings;
}
