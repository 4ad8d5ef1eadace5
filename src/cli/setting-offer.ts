import * as z from "zod";
import { configKeys, dotted, keyAt, pathOf, valuePaths } from "../config/keys.ts";
import { attached, nothing, type Offer, wordsOf } from "./offer.ts";

/** What `--set` may be followed by: every key of the configuration, then the values of some. */
export function settingOffer(current: string): Offer {
  const keys = configKeys();
  const equals = current.indexOf("=");
  if (equals < 0) {
    // Lists are offered at the index that is typed.
    const index = Number(/[.[](\d{1,3})(?=[.\]])/.exec(current)?.[1] ?? 0);
    return wordsOf(valuePaths(keys, index).map((path) => `${dotted(path)}=`));
  }
  const key = keyAt(keys, pathOf(current.slice(0, equals)));
  if (key?.kind !== "value") return nothing;
  return attached(current.slice(0, equals + 1), wordsOf(valuesOf(key.schema)));
}

function valuesOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodBoolean) return ["true", "false"];
  if (schema instanceof z.ZodLiteral) return [...schema.values].map(String);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(valuesOf);
  return [];
}
