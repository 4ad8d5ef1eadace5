import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CliError } from "../../src/config/cli-error.ts";
import { FiguresFile } from "../../src/load/figures-file.ts";
import { machineFacts } from "../../src/load/machine.ts";
import { resultOf } from "./results.ts";

/** A file in a folder of its own. */
class Place implements Disposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "mqttd-figures-"));
  readonly file = path.join(this.#folder, "figures.ndjson");

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

test("what was measured is read again, and not measured again", () => {
  using place = new Place();
  const first = new FiguresFile(place.file);
  first.addMachine(machineFacts("1", []));
  const result = resultOf({ row: "trie", broker: "mosquitto", run: 2 });
  first.add(result);
  const second = new FiguresFile(place.file);
  expect(second.results).toEqual([result]);
  expect(second.machines).toHaveLength(1);
  expect(second.has({ row: "trie", broker: "mosquitto", run: 2 })).toBe(true);
  expect(second.has({ row: "trie", broker: "mosquitto", run: 1 })).toBe(false);
  expect(second.has({ row: "trie", broker: "mqttd", run: 2 })).toBe(false);
});

test("an invalid run is measured again, and the last result counts", () => {
  using place = new Place();
  const file = new FiguresFile(place.file);
  file.add(resultOf({}, { errors: ["lost"] }));
  expect(new FiguresFile(place.file).has(resultOf({}))).toBe(false);
  file.add(resultOf({}, { value: 7 }));
  const { results } = new FiguresFile(place.file);
  expect(results.map(({ load }) => load?.figures[0]?.value)).toEqual([7]);
});

test("a figure that could not be measured stays one", () => {
  using place = new Place();
  new FiguresFile(place.file).add(resultOf({}, { value: Number.NaN }));
  expect(new FiguresFile(place.file).results[0]?.load?.figures[0]?.value).toBeNaN();
});

test("a foreign file is refused with its line, and stays as it is", () => {
  using place = new Place();
  new FiguresFile(place.file).add(resultOf({}));
  const text = `${readFileSync(place.file, "utf8")}hello\n`;
  writeFileSync(place.file, text);
  expect(() => new FiguresFile(place.file)).toThrow(CliError);
  expect(() => new FiguresFile(place.file)).toThrow("line 2 of");
  expect(readFileSync(place.file, "utf8")).toBe(text);
});

test("figures of another version are not mixed with these", () => {
  using place = new Place();
  new FiguresFile(place.file).addMachine(machineFacts("1", []));
  expect(() => new FiguresFile(place.file).addMachine(machineFacts("2", []))).toThrow(
    "has figures of mqttd 1, and this is 2",
  );
});
