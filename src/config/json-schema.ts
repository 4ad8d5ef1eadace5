import * as z from "zod";
import { configSchema } from "./schema.ts";

/**
 * The JSON Schema (draft 2020-12) of a configuration file, for editors and validators. Ranges of
 * sizes and durations, and what several keys say together, are checked by `load` alone.
 */
export function configJsonSchema(): object {
  // Words of Visual Studio Code, which complains about what is no JSON without them.
  const lenience = { allowComments: true, allowTrailingCommas: true };
  const schema = z.toJSONSchema(configSchema, { io: "input" });
  return { title: "Configuration of mqttd", ...lenience, ...schema };
}
