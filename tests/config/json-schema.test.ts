import { expect, test } from "bun:test";
import fc from "fast-check";
import * as z from "zod";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configKeys, dotted, keyAt, type Path, valuePaths } from "../../src/config/keys.ts";
import { configSchema } from "../../src/config/schema.ts";

/** The schema as another program reads it: back from its JSON. */
const asRead = z.fromJSONSchema(JSON.parse(JSON.stringify(configJsonSchema())));
const accepts = (config: unknown): boolean => asRead.safeParse(config).success;

const paths = valuePaths(configKeys(), 0);

/** A configuration with one value. */
function withValue(path: Path, value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const inner = withValue(rest, value);
  return typeof first === "number" ? [inner] : { [first]: inner };
}

test("it accepts the default of each key, and the file's own $schema", () => {
  for (const path of paths) {
    const key = keyAt(configKeys(), path);
    const value = key?.kind === "value" ? key.fallback : undefined;
    if (value !== undefined)
      expect({ path, ok: accepts(withValue(path, value)) }).toEqual({ path, ok: true });
  }
  expect(accepts({ $schema: "./mqttd.schema.json" })).toBe(true);
  expect(accepts({})).toBe(true);
});

test("it refuses an unknown key in each group", () => {
  for (const path of paths) {
    const beside = [...path.slice(0, -1), "unknownKey"];
    const isInList = typeof path.at(-1) === "number";
    if (!isInList)
      expect({ beside, ok: accepts(withValue(beside, 1)) }).toEqual({ beside, ok: false });
  }
});

/** Values right for some keys and wrong for others. */
const values = fc.oneof(
  fc.constantFrom(
    ...[true, false, null, 0, 1, 2, 3, 65_535, 65_536, 1.5, -1, "", "1883", "off", "never", "auto"],
    ...["64KiB", "1mb", "90s", "10", "tls", "TLSv1.3", "lab/", "lab", "a/#/", "::1", "a b", "json"],
    ...["*", "null", "https://a.example", "HTTPS://A.example", "10.0.0.0/8", "info", "loud"],
  ),
  fc.string(),
  fc.integer(),
  fc.constant({}),
  fc.constant([]),
);

test("what a broker accepts, it accepts; what it refuses, a broker refuses", () => {
  fc.assert(
    fc.property(fc.constantFrom(...paths), values, (path, value) => {
      const config = withValue(path, value);
      const { success, error } = configSchema.safeParse(config);
      if (success) expect({ path, value, ok: accepts(config) }).toEqual({ path, value, ok: true });
      // A range of a size or a duration has no word in JSON Schema.
      else if (!error.issues.every(({ code }) => code === "custom")) {
        expect({ path, value, ok: accepts(config) }).toEqual({ path, value, ok: false });
      }
    }),
    { numRuns: 2000 },
  );
});

test("each key has a description, and the root says that comments are allowed", () => {
  const schema = configJsonSchema() as Record<string, unknown>; // An object of JSON.
  expect(schema).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    additionalProperties: false,
    allowComments: true,
    allowTrailingCommas: true,
  });
  const text = JSON.stringify(schema);
  for (const path of paths) {
    const key = keyAt(configKeys(), path);
    expect({ path: dotted(path), isTold: text.includes(JSON.stringify(key?.text)) }).toEqual({
      path: dotted(path),
      isTold: true,
    });
  }
});
