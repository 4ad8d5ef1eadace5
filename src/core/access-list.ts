import type { Access, AccessRule, Action, Principal, Rights, Search, Verdict } from "./access.ts";
import { anyLevel, type Grant, type Level, type Lines, newLines, RuleTree } from "./rule-tree.ts";
import { isHidden, isVisibleThroughMount } from "./topic.ts";

/** One line of an access list. */
export interface AccessLine {
  /** From 1. */
  readonly line: number;
  /** As in the file, without the blanks around it: `topic read home/#`. */
  readonly text: string;
  readonly grant: Grant;
  readonly filter: string;
  /** The client's that it is for: a user name, or null: clients without one. Patterns: all. */
  readonly user: string | null | typeof everybody;
}

/** The user of a line that is for all clients, where %c and %u mean the client's own. */
export const everybody = Symbol("everybody");

/**
 * An access list in mosquitto's format. The lines of a client's user decide first, then the
 * patterns; among each, a line that denies comes before one that allows. What no line decides is
 * denied. Complete once all lines were added.
 */
export class AccessList implements Access {
  /** Its name for people: that of its file. */
  readonly name: string;
  readonly #anonymous = new Block();
  readonly #users = new Map<string, Block>();
  readonly #patterns = new Block();
  /** Texts by line. */
  readonly #texts = new Map<number, string>();

  constructor(name: string) {
    this.name = name;
  }

  add(line: AccessLine): void {
    const { user } = line;
    this.#texts.set(line.line, line.text);
    const block = user === everybody ? this.#patterns : this.#blockFor(user);
    block.lines.push(line);
    block.tree.add(line.filter, line.grant, line.line, user === everybody);
  }

  #blockFor(user: string | null): Block {
    if (user === null) return this.#anonymous;
    let block = this.#users.get(user);
    if (block === undefined) this.#users.set(user, (block = new Block()));
    return block;
  }

  /** Number of lines. */
  get size(): number {
    return this.#texts.size;
  }

  /** Whether it has lines for named users. */
  get namesUsers(): boolean {
    return this.#users.size > 0;
  }

  /** The lines of one user, or of clients without a user name. */
  linesOf(username: string | null): readonly AccessLine[] {
    return this.#ownOf(username).lines;
  }

  /** The lines for all clients. */
  get patterns(): readonly AccessLine[] {
    return this.#patterns.lines;
  }

  rightsOf(who: Principal): Rights {
    const { username, clientId } = who;
    const own = this.#ownOf(username).tree;
    return new ListRights(this, own, this.#patterns.tree, { clientId, username });
  }

  #ownOf(username: string | null): Block {
    return username === null ? this.#anonymous : (this.#users.get(username) ?? empty);
  }

  /** The line of that number; null: there is none. */
  rule(line: number): AccessRule | null {
    const text = this.#texts.get(line);
    return text === undefined ? null : { file: this.name, line, text };
  }
}

/** The lines of one user, or all patterns. */
class Block {
  readonly tree = new RuleTree();
  readonly lines: AccessLine[] = [];
}

const empty = new Block();

/** Steps of one search for a readable topic; beyond them the filter is granted. */
const stepsMax = 20_000;

/** What an access list lets one client do. */
class ListRights implements Rights {
  readonly isOpen = false;
  readonly #list: AccessList;
  readonly #own: RuleTree;
  readonly #patterns: RuleTree;
  readonly #who: Principal;

  constructor(list: AccessList, own: RuleTree, patterns: RuleTree, who: Principal) {
    this.#list = list;
    this.#own = own;
    this.#patterns = patterns;
    this.#who = who;
  }

  mayWrite(topic: string): boolean {
    return this.#decide("write", topic.split("/")).allowed;
  }

  mayRead(topic: string): boolean {
    return this.#decide("read", topic.split("/")).allowed;
  }

  /** Exact: some topic is allowed, and none of the lines that come before denies it. */
  maySubscribe(filter: string, mountLength: number): Search {
    const { line, steps } = this.#readable(filter, mountLength);
    return { allowed: line !== 0, steps };
  }

  verdict(action: Action, topic: string, mountLength = 0): Verdict {
    const decision =
      action === "subscribe"
        ? this.#subscribing(topic, mountLength)
        : this.#decide(action, topic.split("/"));
    const { allowed, line } = decision;
    const rule = this.#list.rule(line);
    if (rule !== null) return { allowed, by: `${rule.file}:${rule.line} '${rule.text}'`, rule };
    const by = `no line of ${this.#list.name}${decision.isUnfit ? unfitNames : ""}`;
    return { allowed, by, rule };
  }

  #subscribing(filter: string, mountLength: number): Decision {
    const { line } = this.#readable(filter, mountLength);
    if (line !== 0) return { allowed: true, line, isUnfit: false };
    // A line that denies all of it, where there is one.
    const levels = filter.split("/").map((level) => (level === "+" ? anyLevel : level));
    const denied = this.#decide("read", levels);
    return { ...denied, allowed: false, line: denied.allowed ? 0 : denied.line };
  }

  #decide(action: "read" | "write", levels: readonly Level[]): Decision {
    const own = newLines();
    this.#own.find(levels, this.#who, own);
    const first = decisionOf(own, action);
    if (first !== null) return first;
    if (this.#patterns.isEmpty) return { allowed: false, line: 0, isUnfit: false };
    if (isUnfitForPatterns(this.#who)) return { allowed: false, line: 0, isUnfit: true };
    const common = newLines();
    this.#patterns.find(levels, this.#who, common);
    return decisionOf(common, action) ?? { allowed: false, line: 0, isUnfit: false };
  }

  /** The line that lets it read a topic which the filter matches; 0: none; -1: too many steps. */
  #readable(filter: string, mountLength: number): { line: number; steps: number } {
    const wanted = filter.split("/");
    const trees = isUnfitForPatterns(this.#who) ? [this.#own] : [this.#own, this.#patterns];
    const deepest = Math.max(...trees.map((tree) => tree.deepestDeny));
    let steps = 0;
    for (const tree of trees) {
      for (const readable of tree.readable(wanted, this.#who)) {
        steps += 1;
        if (steps > stepsMax) return { line: -1, steps };
        if (readable === null) continue;
        const { levels, isOpen } = readable;
        // A level that no line names is denied by the fewest lines. Those with `#` deny the longer
        // topics, the others only those of their own length.
        const more = isOpen ? Math.max(0, deepest - levels.length) + 1 : 0;
        const topic = [...levels];
        for (let added = 0; added <= more; added++, topic.push(anyLevel)) {
          steps += 1;
          if (topic.length === 0) continue;
          if (!isVisible(filter, topic.join("/"), mountLength)) continue;
          const decision = this.#decide("read", topic);
          if (decision.allowed) return { line: decision.line, steps };
        }
      }
    }
    return { line: 0, steps };
  }
}

interface Decision {
  readonly allowed: boolean;
  /** 0: no line decides it. */
  readonly line: number;
  /** Its names are of those that no pattern is applied to. */
  readonly isUnfit: boolean;
}

function decisionOf(lines: Lines, action: "read" | "write"): Decision | null {
  if (lines.deny > 0) return { allowed: false, line: lines.deny, isUnfit: false };
  const line = lines[action];
  return line === 0 ? null : { allowed: true, line, isUnfit: false };
}

function isVisible(filter: string, topic: string, mountLength: number): boolean {
  if (mountLength === 0) return true;
  const mountPoint = filter.slice(0, mountLength);
  return isVisibleThroughMount(mountPoint, topic) && !isHidden(filter, topic, mountLength);
}

/**
 * Whether a client's names would make a pattern mean more than one level, and so the topics of
 * others.
 */
export function isUnfitForPatterns({ clientId, username }: Principal): boolean {
  return unfit.test(clientId) || (username !== null && unfit.test(username));
}

const unfit = /[+#/]/;

const unfitNames = ", and no pattern applies to a client id or user name with +, # or /";
