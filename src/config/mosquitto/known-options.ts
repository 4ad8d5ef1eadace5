import { nearest } from "../nearest.ts";
import { quoted } from "../problem.ts";
import { refused } from "./account.ts";
import type { ConfLine } from "./lines.ts";
import type { Option } from "./option.ts";
import { options } from "./option-table.ts";

/** An option by its name; null: mosquitto has none of that name. */
export function optionOf(name: string): Option | null {
  if (Object.hasOwn(options, name)) return options[name] ?? null;
  return /^(?:auth_opt_|plugin_opt_)./.test(name) ? pluginOption : null;
}

const pluginOption: Option = {
  scope: "security",
  isText: false,
  repeats: true,
  judge: (_, { line, global, listener }) => {
    const plugins = ["plugin", "auth_plugin", "global_plugin", "plugin_load"];
    const named = plugins.flatMap((name) => (listener ?? global).lines.get(name) ?? []);
    const of = named.findLast(({ number }) => number < line.number);
    return refused(
      of === undefined ? "a setting of a plugin" : `a setting of the plugin in line ${of.number}`,
    );
  },
};

const structural = ["listener", "include_dir", "connection"];

/** What is wrong with the name of an option. */
export function unknownText({ option }: ConfLine): string {
  const lower = option.toLowerCase();
  const all = [...Object.keys(options), ...structural];
  if (option.startsWith("#"))
    return "a comment begins in the first column; mosquitto takes this # for an option";
  const bare = lower.replace(/[\t=:].*$/s, "");
  if (bare !== lower && all.includes(bare)) {
    return `${quoted(option)} is no option: a space stands between ${bare} and its value`;
  }
  const meant = all.find((name) => name === lower) ?? nearest(option, all);
  const hint = meant === null ? "" : `, did you mean ${meant}?`;
  return `${quoted(option)} is no option of mosquitto${hint}`;
}
