import { expect, test } from "bun:test";
import pc from "picocolors";
import type { LogEvent } from "../../src/log/events.ts";
import { renderHuman, renderJson } from "../../src/log/render.ts";
import { LogSink } from "../../src/log/sink.ts";
import { now, samples } from "./samples.ts";

const like = "rumqttd-0.19";
const style = { colors: pc.createColors(false), zone: "utc" } as const;
const events: readonly LogEvent[] = Object.values(samples).flat();

test("each line of a misbehaving broker names the broker that it imitates", () => {
  for (const event of events) {
    const plain = renderHuman(event, now, style);
    const marked = renderHuman(event, now, { ...style, like });
    expect(marked).toBe(plain.replace("15:04:05.123 ", `15:04:05.123 [like ${like}] `));
    expect(plain).not.toContain("[like");
  }
});

test("each JSON line has it after the event, and no other line has the key", () => {
  for (const event of events) {
    const plain: Record<string, unknown> = JSON.parse(renderJson(event, now));
    const marked: Record<string, unknown> = JSON.parse(renderJson(event, now, like));
    expect(Object.keys(marked).slice(0, 4)).toEqual(["time", "level", "event", "like"]);
    expect(marked).toEqual({ ...plain, like });
    expect(plain).not.toHaveProperty("like");
  }
});

test("the sink marks every line, its own included", () => {
  for (const format of ["human", "json"] as const) {
    let written = "";
    const write = (text: string) => void (written += text);
    const options = { level: "info", color: false, zone: "utc", format, like, write } as const;
    const sink = new LogSink(options);
    sink.note({ event: "stopped" }, now);
    sink.flush();
    expect(written).toBe(
      format === "human"
        ? `15:04:05.123 [like ${like}] mqttd stopped\n`
        : `{"time":"2026-11-22T15:04:05.123Z","level":"info","event":"stopped","like":"${like}"}\n`,
    );
  }
});
