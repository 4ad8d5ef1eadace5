import { Broker } from "../../src/core/broker.ts";
import { after, type Input, type Millis } from "../../src/core/io.ts";
import { connect, listener } from "./run-loop-input.ts";

let now = 0 as Millis; // The driver reads the clock once a turn.
const broker = new Broker({}, now);
const [connection, unread] = [1, { asked: 1, connections: new Set<number>(), newcomers: false }];

function handle(input: Input): void {
  for (const effect of broker.handle(input, now)) {
    console.log(`${now} ms`, effect.type, effect.type === "note" ? effect.event.event : "");
    if (effect.type !== "authenticate") continue;
    handle({ type: "authenticated", connection, refused: null }); // The driver checks.
  }
}

handle({ type: "opened", connection, remote: "::1", isLocal: true, listener, token: "" });
now = after(now, 200);
handle({ type: "received", connection, packet: connect });
for (let due = broker.nextDeadline(); due !== null; due = broker.nextDeadline()) {
  now = due; // The driver's one timer has fired: who would end? It looks at their sockets first.
  for (const { cause } of broker.undecided(now).connections)
    console.log(`${now} ms undecided`, cause);
  handle({ type: "deadline", unread });
}
