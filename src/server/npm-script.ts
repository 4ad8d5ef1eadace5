import type { Env } from "../config/environment.ts";
/** How flags are given to this broker: `npm run serve` passes on what stands behind `--`. */
export function typed(flags: string, env: Env): string {
  const isScript = env["npm_package_name"] === "mqttd" && env["npm_lifecycle_event"] === "serve";
  return isScript ? `npm run serve -- ${flags}` : flags;
}
