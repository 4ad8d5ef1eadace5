import { fileURLToPath } from "node:url";

/**
 * The words that start this very program once more; arguments follow. A compiled executable is the
 * whole program. From source it is the runtime at hand with the entry point, whoever called it.
 */
export function selfCommand(): readonly [string, ...string[]] {
  if (isCompiled()) return [process.execPath];
  const entry = fileURLToPath(new URL("../main.ts", import.meta.url));
  const words = process.versions["deno"] === undefined ? [] : ["run", "--allow-all"];
  return [process.execPath, ...words, entry];
}

/**
 * Bun keeps the sources of a compiled executable in a file system of its own, and names the entry
 * point there as the script that runs; on Windows it stands on the drive B:.
 */
function isCompiled(): boolean {
  return /^(?:\/\$bunfs\/|B:[\\/]~BUN[\\/])/.test(process.argv[1] ?? "");
}
