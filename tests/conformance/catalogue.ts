import type { Group } from "./check.ts";
import { connack } from "./checks/connack.ts";
import { connecting } from "./checks/connect.ts";
import { data } from "./checks/data.ts";
import { delivery } from "./checks/delivery.ts";
import { disconnecting } from "./checks/disconnect.ts";
import { flow } from "./checks/flow.ts";
import { publishing } from "./checks/publish.ts";
import { retained } from "./checks/retained.ts";
import { session } from "./checks/session.ts";
import { shared } from "./checks/shared.ts";
import { subscribing } from "./checks/subscribe.ts";
import { topics } from "./checks/topics.ts";
import { unsubscribing } from "./checks/unsubscribe.ts";
import { webSockets } from "./checks/websocket.ts";
import { wills } from "./checks/will.ts";

/** Every check, by subject. */
export const catalogue: readonly Group[] = [
  data,
  connecting,
  connack,
  session,
  wills,
  publishing,
  retained,
  subscribing,
  unsubscribing,
  delivery,
  flow,
  disconnecting,
  topics,
  shared,
  webSockets,
];
