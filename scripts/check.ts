import { runStep, type Step, tool } from "./command.ts";

/** The checks that do not run the program. Exit code 1 if any of them failed. */
export const checks: readonly Step[] = [
  {
    name: "types",
    // --no-script: package.json has a script of the same name.
    command: [process.execPath, "check", "--no-script", "--no-pretty"],
    limitMs: 120_000,
  },
  {
    name: "types of the core alone",
    command: [process.execPath, "check", "--no-script", "--no-pretty", "-p", "src/core"],
    limitMs: 120_000,
  },
  { name: "lint", command: [tool("oxlint"), "--format", "unix"], limitMs: 120_000 },
  { name: "unused code", command: [tool("knip"), "--no-progress"], limitMs: 120_000 },
  {
    name: "format",
    command: [process.execPath, "fmt", "--check", "--no-script"],
    limitMs: 120_000,
  },
];

/** How many checks passed and failed. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  for (const check of checks) if (await runStep(check)) passed++;
  return { passed, failed: checks.length - passed };
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exit(failed === 0 ? 0 : 1);
}
