import { duration } from "../log/duration.ts";
import type { SystemClock } from "../server/system-clock-bun.ts";
import { bad, type Finding, ok, unknown, warn } from "./doctor-finding.ts";

/** Both clocks at one moment, milliseconds. */
export interface ClockReading {
  readonly monotonic: number;
  readonly wall: number;
}

/** No build of mqttd is older: what the clock says before it is wrong. */
const earliest = Date.UTC(2026, 0, 1);
/** Milliseconds that the two may differ in an interval of a second, between two readings. */
const driftMax = 20;

export function readClocks(): ClockReading {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** `system`: what the kernel says; null: it does not. */
export function clockFindings(
  first: ClockReading,
  last: ClockReading,
  system: ReturnType<SystemClock["read"]> | null,
): Finding[] {
  const passed = last.monotonic - first.monotonic;
  const lead = last.wall - first.wall - passed;
  return [
    wallFinding(last.wall),
    Math.abs(lead) <= driftMax
      ? ok("clock: the wall clock runs as the monotonic clock, which all deadlines follow")
      : warn(
          `clock: the wall clock moved by ${duration(lead)} within ${duration(passed)}; deadlines ` +
            "follow the monotonic clock and keep their length",
          "look at what sets the time (timedatectl, chronyc tracking)",
        ),
    ...systemFindings(system),
  ];
}

function wallFinding(wall: number): Finding {
  const now = new Date(wall).toISOString().slice(0, 19);
  if (wall < earliest) {
    return bad(
      `clock: it says ${now} UTC, which is in the past: certificates are not valid yet`,
      "set the time: sudo timedatectl set-ntp true",
    );
  }
  return ok(`clock: ${now} UTC`);
}

function systemFindings(system: ReturnType<SystemClock["read"]> | null): Finding[] {
  if (system === null) {
    return [unknown("clock: only Linux, and mqttd on Bun, show synchronisation and sleep")];
  }
  const { isSynchronised, asleepMs } = system;
  return [
    isSynchronised
      ? ok("clock: synchronised")
      : warn(
          "clock: not synchronised, so times in logs differ from other machines'",
          "sudo timedatectl set-ntp true, or run chronyd",
        ),
    ok(
      asleepMs < 1000
        ? "clock: this machine has not slept since it started; mqttd counts sleep as silence of clients"
        : `clock: this machine has slept ${duration(asleepMs)} since it started; mqttd counts sleep as ` +
            "silence of clients",
    ),
  ];
}
