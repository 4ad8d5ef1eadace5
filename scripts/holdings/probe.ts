/** Loaded before a broker: tells its parent the size of the process when asked. */
import { settledSize } from "./process-size.ts";

process.on("message", (asked) => {
  if (asked === "size") process.send?.(settledSize());
  else Bun.gc(true);
});
