import type { Env } from "../config/environment.ts";

/** How to type flags for this broker: `npm run serve` passes on arguments after `--`. */
export function typed(flags: string, env: Env): string {
  const isScript = env["npm_package_name"] === "mqttd" && env["npm_lifecycle_event"] === "serve";
  return isScript ? `npm run serve -- ${flags}` : flags;
}
