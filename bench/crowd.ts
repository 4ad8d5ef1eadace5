/**
 * Opens many idle connections, in a process of their own: `npx bun bench/crowd.ts PLAN` with a CrowdPlan
 * as JSON prints a CrowdReport as JSON.
 */
import { z } from "zod";
import { Client } from "./client.ts";
import { disconnect } from "./packets.ts";
import { cpuSeconds, difference, rssBytes } from "./usage.ts";

export const CrowdPlan = z.object({
  host: z.string(),
  port: z.number(),
  brokerPid: z.number(),
  version: z.union([z.literal(4), z.literal(5)]),
  connections: z.number(),
});
export type CrowdPlan = z.infer<typeof CrowdPlan>;

export const CrowdReport = z.object({
  /** From the first SYN to the last CONNACK. */
  connectSeconds: z.number(),
  connectCpuSeconds: z.number().nullable(),
  rssBeforeBytes: z.number().nullable(),
  rssAfterBytes: z.number().nullable(),
  bytesPerConnection: z.number().nullable(),
  /** Share of a core that the broker uses for idle connections. */
  idleBusy: z.number().nullable(),
  /** A report with errors is not a measurement. */
  errors: z.array(z.string()),
});
export type CrowdReport = z.infer<typeof CrowdReport>;

/** Connections that open at the same time: fewer than any broker's backlog, so that no SYN is dropped. */
const atOnce = 50;
/** Connections per source address: fewer than the ephemeral ports of Linux (28,232). */
const perAddress = 20_000;
const connectMs = 120_000;
const settleMs = 1000;
const idleMs = 2000;
/** Longer than any run, yet a deadline that the broker keeps for each connection. Seconds. */
const keepAlive = 600;

class Idler extends Client {
  protected override frame(bytes: Uint8Array, start: number): void {
    this.complain(`${this.id}: unexpected packet type ${(bytes[start] ?? 0) >> 4}`);
  }

  protected override readEnded(): void {}
}

if (import.meta.main) {
  const report = await gather(CrowdPlan.parse(JSON.parse(process.argv[2] ?? "null")));
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

async function gather(plan: CrowdPlan): Promise<CrowdReport> {
  const errors: string[] = [];
  const failed = Promise.withResolvers<void>();
  const complain = (error: string) => {
    if (errors.length < 5) errors.push(error);
    failed.resolve();
  };
  const until = (work: Promise<void>) => Promise.race([work, failed.promise]);
  const idlers = Array.from(
    { length: plan.connections },
    (_, at) => new Idler(`bench-idle-${at}`, plan.version, complain),
  );

  const rssBefore = rssBytes(plan.brokerPid);
  const cpuBefore = cpuSeconds(plan.brokerPid);
  const started = performance.now();
  const late = setTimeout(() => complain(`not connected within ${connectMs} ms`), connectMs);
  await until(
    openAll(plan, idlers).catch((error: unknown) => complain(`connecting: ${String(error)}`)),
  );
  clearTimeout(late);
  const connectSeconds = (performance.now() - started) / 1000;
  const cpuConnected = cpuSeconds(plan.brokerPid);

  await until(Bun.sleep(settleMs));
  const cpuIdle = cpuSeconds(plan.brokerPid);
  await until(Bun.sleep(idleMs));
  const idle = difference(cpuIdle, cpuSeconds(plan.brokerPid));
  const rssAfter = rssBytes(plan.brokerPid);
  const grown = difference(rssBefore, rssAfter);
  for (const idler of idlers) idler.end(disconnect);
  return {
    connectSeconds,
    connectCpuSeconds: difference(cpuBefore, cpuConnected),
    rssBeforeBytes: rssBefore,
    rssAfterBytes: rssAfter,
    bytesPerConnection: grown === null ? null : grown / plan.connections,
    idleBusy: idle === null ? null : idle / (idleMs / 1000),
    errors,
  };
}

async function openAll(plan: CrowdPlan, idlers: readonly Idler[]): Promise<void> {
  const waiting = idlers.entries();
  const open = async () => {
    for (const [at, idler] of waiting) {
      // A single source address has too few ports for a very large crowd.
      const from = idlers.length > perAddress ? sourceAddress(at) : undefined;
      await idler.open(plan.host, plan.port, keepAlive, from);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, open));
}

/** 127.0.0.1, 127.0.0.2 and so on: all of 127.0.0.0/8 is this machine on Linux. */
function sourceAddress(at: number): string {
  return `127.0.0.${1 + Math.floor(at / perAddress)}`;
}
