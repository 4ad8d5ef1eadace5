import * as z from "zod";
import { listDefault, listMax, waitMaxMs } from "../../api/api.ts";
import { millisecondsOf } from "../../config/quantity.ts";
import { eventNames, levels } from "../../log/events.ts";
import { filterFlaw } from "../../wire/filter.ts";

/** Parameters of requests; each message is the text after "allowed:" in a refusal. */

const limitForm = `a whole number from 1 to ${listMax}`;
const limit = z.coerce
  .number({ error: limitForm })
  .int({ error: limitForm })
  .min(1, { error: limitForm })
  .max(listMax, { error: limitForm })
  .default(listDefault);

const filterForm = "a topic filter: + is a whole level, # is the whole last one";

export const nothing = z.strictObject({});
export const limited = z.strictObject({ limit });
export const ofClients = z.strictObject({
  sort: z.enum(["memory"], { error: "memory" }).optional(),
  limit,
});
export const ofWills = z.strictObject({
  client: z.string().optional(),
  topic: z.string().optional(),
  which: z
    .enum(["pending", "fired", "notFired"], { error: "pending, fired or notFired" })
    .optional(),
  wait: z
    .string()
    .refine((text) => (millisecondsOf(text) ?? Infinity) <= waitMaxMs, {
      error: "a time with a unit, at most 10m, for example 5s",
    })
    .optional(),
  limit,
});
export const ofClient = z.strictObject({ id: named("the id of a client") });
export const ofRoute = z.strictObject({ topic: named("the name of a topic") });
export const ofAcl = z.strictObject({
  topic: named("a topic, or a filter"),
  client: z.string().default(""),
  user: z.string().optional(),
  action: z.enum(["read", "write", "subscribe"], { error: "read, write or subscribe" }).optional(),
  listener: z.string().optional(),
});
export const ofRetained = z.strictObject({ filter: filter().default("#"), limit });
export const ofEvents = z.strictObject({
  client: z.string().optional(),
  topic: filter().optional(),
  event: z
    .string()
    .refine((name) => eventNames.includes(name), { error: eventNames.join(", ") })
    .optional(),
});

export const dropOrder = z.strictObject({
  how: z.enum(["rst", "silent"], { error: "rst or silent" }),
});
export const logOrder = z.strictObject({
  level: z.enum(levels, { error: "error, warn, info or debug" }),
});

function named(error: string) {
  return z.string({ error }).min(1, { error });
}

function filter() {
  return named(filterForm).refine((text) => filterFlaw(text) === null, { error: filterForm });
}
