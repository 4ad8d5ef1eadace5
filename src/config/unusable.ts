import { listenerPlace, type Settings } from "./settings.ts";

/** Warnings about settings that are valid but useless, one line each. */
export function unusableSettings({ listeners }: Settings): string[] {
  return listeners.flatMap((listener, index) => {
    const { allowAnonymous, passwordFile, tls } = listener;
    if (allowAnonymous || passwordFile !== null || tls?.identityAsUsername === true) return [];
    return [
      `${listenerPlace(index, listener)} refuses every client: allowAnonymous is false, and ` +
        "no password file applies; set auth.passwordFile (mqttd passwd creates one)",
    ];
  });
}
