import type { Quirk } from "../quirky-port.ts";
import { acknowledging } from "./acknowledging.ts";
import { connecting } from "./connecting.ts";
import { publishing } from "./publishing.ts";
import { subscribing } from "./subscribing.ts";
import { webSockets } from "./websocket.ts";
import { wills } from "./wills.ts";

/** Wrong behaviours of brokers, one in each. */
export const quirks: readonly Quirk[] = [
  ...connecting,
  ...wills,
  ...publishing,
  ...acknowledging,
  ...subscribing,
  ...webSockets,
];
