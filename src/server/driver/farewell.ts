import type { Driver } from "./driver.ts";

/** How long an orderly stop waits for clients to take their last bytes. */
const farewellMs = 2000;

/** Resolves when the clients that were sent away have taken their last bytes, or the time is over. */
export async function farewell(driver: Driver): Promise<void> {
  const until = performance.now() + farewellMs;
  while (driver.parting > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
