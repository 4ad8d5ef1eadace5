import type { Settings } from "./settings.ts";

/** Warnings about settings that are valid but useless, one line each. */
export function unusableSettings({ listeners }: Settings): string[] {
  return listeners.flatMap(({ port, allowAnonymous }, index) =>
    allowAnonymous
      ? []
      : [
          `listeners.${index} (port ${port}) refuses every client: allowAnonymous is false, and ` +
            "mqttd has no user names and passwords yet; set it to true, or remove it",
        ],
  );
}
