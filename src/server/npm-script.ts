import type { Env } from "../config/environment.ts";

/** How to type flags for this broker: `npm run serve` and `npm run dev` pass on arguments after `--`. */
export function typed(flags: string, env: Env): string {
  const script = env["npm_package_name"] === "mqttd" ? env["npm_lifecycle_event"] : undefined;
  return script === "serve" || script === "dev" ? `npm run ${script} -- ${flags}` : flags;
}
