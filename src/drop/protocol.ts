import type { ClientVersion } from "../client/machine.ts";

/** The protocol as people name it: `3.1`, `3.1.1`, `5`. */
export function protocolText(version: ClientVersion): "3.1" | "3.1.1" | "5" {
  return ({ 3: "3.1", 4: "3.1.1", 5: "5" } as const)[version];
}
