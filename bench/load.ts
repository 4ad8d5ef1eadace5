import { z } from "zod";

/** What the loader process is told, as JSON in its only argument. */
export const LoadPlan = z.object({
  host: z.string(),
  port: z.number(),
  /** Of the broker: its CPU time is read at the same instants as the counters. */
  brokerPid: z.number(),
  version: z.union([z.literal(4), z.literal(5)]),
  publishers: z.number(),
  subscribersEach: z.number(),
  qos: z.union([z.literal(0), z.literal(1)]),
  window: z.number(),
  payloadBytes: z.number(),
  warmUpMs: z.number(),
  countMs: z.number(),
  /** No message at all for so long is a stall: with a window, one lost message stops a publisher. */
  stallMs: z.number(),
});
export type LoadPlan = z.infer<typeof LoadPlan>;

/** What the loader process answers, as one line of JSON. A report with errors is not a measurement. */
export const LoadReport = z.object({
  /** Messages that subscribers got while it counted, and for how long that was. */
  delivered: z.number(),
  seconds: z.number(),
  perSecond: z.number(),
  /** CPU seconds, user and system, while it counted; null where there is no /proc. */
  brokerCpuSeconds: z.number().nullable(),
  brokerPeakRssBytes: z.number().nullable(),
  loaderCpuSeconds: z.number(),
  /** What this machine's cores did for anybody else meanwhile. */
  othersCpuSeconds: z.number().nullable(),
  /** Messages an average read of a subscriber brought: how well the broker batches. */
  perRead: z.number(),
  /** What does not spoil the figure but belongs beside it. */
  notes: z.array(z.string()),
  /** Loss, disorder, disconnects, stalls: any of these spoils the figure. */
  errors: z.array(z.string()),
});
export type LoadReport = z.infer<typeof LoadReport>;
