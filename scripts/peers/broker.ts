import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Protocol = "3.1.1" | "5";

/** Where and for whom a broker starts. */
export interface Place {
  readonly protocol: Protocol;
  /** The TCP port of 127.0.0.1 that it has to listen on for that protocol. */
  readonly port: number;
  /** More free ports, for what it listens on besides. */
  readonly otherPorts: readonly [number, number, number];
  /** A folder of its own, removed after the run. */
  readonly folder: string;
  /** Where the brokers were installed. */
  readonly home: string;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A broker that one command of a package registry brings. */
export interface PeerBroker {
  readonly name: string;
  /** The shell command that installs it into the folder $PEERS, in the project's folder. */
  readonly get: string;
  /** How it was set up, in a clause. */
  readonly settings: string;
  readonly protocols: readonly Protocol[];
  /** What clients log in with, as a URL has it: `user:password`. */
  readonly login?: string;
  /** Null: it is not installed. */
  version(home: string): string | null;
  start(place: Place): Command;
}

export const both: readonly Protocol[] = ["3.1.1", "5"];

/** Writes a file of settings and returns its path. */
export function written(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** The version that was asked for, where its file is there. */
export function ifThere(home: string, path: string, version: string): string | null {
  return existsSync(join(home, path)) ? version : null;
}

/** That of the project, without the distribution's own numbers. */
export function debianVersion(name: string): string | null {
  const { stdout, status } = spawnSync("dpkg-query", ["-W", "-f", "${Version}", name], {
    encoding: "utf8",
  });
  return status === 0 && stdout !== "" ? stdout.replace(/^\d+:/, "").replace(/-[^-]*$/, "") : null;
}

/** What a command prints first; null: there is no such command. */
export function firstLine(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.error !== undefined) return null;
  return `${result.stdout}${result.stderr}`.trim().split("\n")[0] ?? null;
}
