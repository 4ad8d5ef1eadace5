import { mortal } from "./mortal.ts";
import type { World } from "./world.ts";

/**
 * The client `held` has sent more than half a queue to `slow`, which accepts three messages and
 * acknowledges none.
 */
export function hold(world: World): void {
  const slow = world.open();
  slow.connect({ clientId: "slow", protocolVersion: 5, properties: { receiveMaximum: 3 } });
  slow.subscribe({ topic: "burst", qos: 1 });
  const publisher = mortal(world, { id: "held", version: 4, keepalive: 60 });
  for (let number = 0; number < 600; number++) publisher.publish("burst", "x", { qos: 1 });
}
