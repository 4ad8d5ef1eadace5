import type { PlantedQuirk } from "../../src/core/quirks/planted.ts";

/** What the worlds cannot bring about, so that the referee sees nothing wrong, and why. */
export const unseen: Readonly<Partial<Record<PlantedQuirk, string>>> = {
  "A1-no-deadline-while-output-waits": "the referee expects no deadline while a link is clogged",
  "A3-deadlines-late-in-a-crowd": "no world has more than 50 connections",
  "B1-bridge-publishes-nothing": "no client of a world is a bridge",
  "B3-will-lost-behind-queue": "no queue of a world holds more than 100 messages",
  "C3-goodbye-with-properties-publishes": "no DISCONNECT of a world has a Reason String",
};
