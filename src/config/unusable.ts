import type { Settings } from "./settings.ts";

/** What is valid and yet of no use to anybody; one line each, for a warning. */
export function unusableSettings({ listeners }: Settings): string[] {
  return listeners.flatMap(({ port, allowAnonymous }, index) =>
    allowAnonymous
      ? []
      : [
          `listeners.${index} (port ${port}) refuses every client: allowAnonymous is false, and ` +
            "there are no user names and passwords yet; set it to true, or leave it out",
        ],
  );
}
