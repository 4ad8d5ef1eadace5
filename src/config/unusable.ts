import type { Settings } from "./settings.ts";

/** Warnings about settings that are valid but useless, one line each. */
export function unusableSettings({ listeners }: Settings): string[] {
  return listeners.flatMap(({ port, allowAnonymous, passwordFile, tls }, index) =>
    allowAnonymous || passwordFile !== null || tls?.identityAsUsername === true
      ? []
      : [
          `listeners.${index} (port ${port}) refuses every client: allowAnonymous is false, and ` +
            "no password file applies; set auth.passwordFile (mqttd passwd creates one)",
        ],
  );
}
