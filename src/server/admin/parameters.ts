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

const textOrBase64 = "text, or payloadBase64";
const flagForm = "true or false";
const flag = z
  .union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")], {
    error: flagForm,
  })
  .default(false);
const seconds = "a whole number of seconds";
const pairs = "pairs of two texts";
const text = (form: string) =>
  z.string({ error: form }).refine((value) => Buffer.byteLength(value) <= 65_535, {
    error: `${form} of up to 65,535 bytes`,
  });

/** Properties of MQTT 5 that a publisher may set, by the standard's names. */
const messageProperties = z.strictObject(
  {
    payloadFormatIndicator: z.boolean({ error: flagForm }).optional(),
    messageExpiryInterval: z.int({ error: seconds }).min(0).max(0xffff_ffff).optional(),
    contentType: text("text").optional(),
    responseTopic: text("a topic").optional(),
    correlationData: text("base64")
      .pipe(z.base64({ error: "base64" }))
      .optional(),
    userProperties: z.array(z.tuple([text("text"), text("text")]), { error: pairs }).optional(),
  },
  { error: "an object of properties" },
);

export const publishOrder = z.strictObject({
  topic: text("a topic without wildcards").min(1, { error: "a topic without wildcards" }),
  payload: z.string({ error: textOrBase64 }).optional(),
  payloadBase64: z.base64({ error: "base64" }).optional(),
  qos: z.coerce
    .number({ error: "0, 1 or 2" })
    .pipe(z.literal([0, 1, 2], { error: "0, 1 or 2" }))
    .default(0),
  retain: flag,
  properties: messageProperties.optional(),
});

export const ofMessages = z.strictObject({
  topic: filter().default("#"),
  count: z.coerce
    .number({ error: limitForm })
    .int({ error: limitForm })
    .min(1, { error: limitForm })
    .max(listMax, { error: limitForm })
    .optional(),
  after: z.coerce.number({ error: "the id of a message" }).int().min(0).default(0),
  wait: z
    .string()
    .refine((text) => (millisecondsOf(text) ?? Infinity) <= waitMaxMs, {
      error: "a time with a unit, at most 10m, for example 5s",
    })
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
