import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Protocol = "3.1.1" | "5";

/** The ports, folders and protocol that a broker starts with. */
export interface Place {
  readonly protocol: Protocol;
  /** The TCP port of 127.0.0.1 on which it must serve that protocol. */
  readonly port: number;
  /** Free ports for its other listeners. */
  readonly otherPorts: readonly [number, number, number];
  /** A folder of its own, removed after the run. */
  readonly folder: string;
  /** The folder of the installed brokers. */
  readonly home: string;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A broker that one command of a package registry installs. */
export interface PeerBroker {
  readonly name: string;
  /** The shell command that installs it into the folder $PEERS, in the project's folder. */
  readonly get: string;
  /** Its configuration, in a clause. */
  readonly settings: string;
  readonly protocols: readonly Protocol[];
  /** The clients' login, as in a URL: `user:password`. */
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

/** The requested version, if its file exists. */
export function ifThere(home: string, path: string, version: string): string | null {
  return existsSync(join(home, path)) ? version : null;
}

/** The project's version, without the distribution's own numbers. */
export function debianVersion(name: string): string | null {
  const { stdout, status } = spawnSync("dpkg-query", ["-W", "-f", "${Version}", name], {
    encoding: "utf8",
  });
  return status === 0 && stdout !== "" ? stdout.replace(/^\d+:/, "").replace(/-[^-]*$/, "") : null;
}

/** The first line that a command prints; null: no such command. */
export function firstLine(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.error !== undefined) return null;
  return `${result.stdout}${result.stderr}`.trim().split("\n")[0] ?? null;
}
