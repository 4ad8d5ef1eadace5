import { z } from "zod";

/** The loader's input, as JSON in its only argument. */
export const LoadPlan = z.object({
  host: z.string(),
  port: z.number(),
  /** The loader reads the broker's CPU time at the same instants as its counters. */
  brokerPid: z.number(),
  version: z.union([z.literal(4), z.literal(5)]),
  publishers: z.number(),
  subscribersEach: z.number(),
  qos: z.union([z.literal(0), z.literal(1)]),
  window: z.number(),
  payloadBytes: z.number(),
  warmUpMs: z.number(),
  countMs: z.number(),
  /** A stall is this long without any message: with a window, one lost message stops a publisher. */
  stallMs: z.number(),
});
export type LoadPlan = z.infer<typeof LoadPlan>;

/** The loader's output, one line of JSON. A report with errors is not a measurement. */
export const LoadReport = z.object({
  /** Messages that subscribers got while the loader counted; `seconds` is that time. */
  delivered: z.number(),
  seconds: z.number(),
  perSecond: z.number(),
  /** CPU seconds, user and system, while the loader counted; null without /proc. */
  brokerCpuSeconds: z.number().nullable(),
  brokerPeakRssBytes: z.number().nullable(),
  loaderCpuSeconds: z.number(),
  /** CPU seconds of other processes on this machine in that time. */
  othersCpuSeconds: z.number().nullable(),
  /** Mean number of messages in a subscriber's read: how well the broker batches. */
  perRead: z.number(),
  /** Remarks that belong beside the figure and do not invalidate it. */
  notes: z.array(z.string()),
  /** Loss, disorder, disconnects, stalls: any of these invalidates the figure. */
  errors: z.array(z.string()),
});
export type LoadReport = z.infer<typeof LoadReport>;
