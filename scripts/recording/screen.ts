/** How a cell is drawn. */
export interface Style {
  /** One of the eight colours of a terminal; null: the text's own. */
  readonly colour: Colour | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly underlined: boolean;
}

const colours = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
export type Colour = (typeof colours)[number];

const plain: Style = { colour: null, bold: false, dim: false, underlined: false };

/** Neighbouring cells of one style. */
export interface Run {
  readonly text: string;
  readonly style: Style;
}

interface Cell {
  readonly character: string;
  readonly style: Style;
}

// Written as strings: the linter refuses control characters in a pattern.
const escape = "\u001B";
const unfinished = new RegExp(String.raw`${escape}(?:\[[?\d;]*)?$`);
const part = new RegExp(String.raw`${escape}\[([?\d;]*)([A-Za-z])|${escape}[=>]|([\s\S])`, "gu");

const blank: Cell = { character: " ", style: plain };

/**
 * The screen of a terminal, as far as shells and mqttd need one: text that wraps and scrolls, colours,
 * and the sequences by which a progress display takes lines back. Throws on any other sequence.
 */
export class Screen {
  readonly #columns: number;
  readonly #rows: Cell[][];
  readonly #decoder = new TextDecoder();
  #style = plain;
  #row = 0;
  /** Equal to `#columns` behind the last character of a full line, which wraps only now. */
  #column = 0;
  /** The beginning of a sequence whose end is still to come. */
  #rest = "";

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = Array.from({ length: rows }, () => []);
  }

  /** The lines from top to bottom, without blanks at their ends. */
  lines(): Run[][] {
    return this.#rows.map((cells) => {
      const runs: Run[] = [];
      for (const { character, style } of cells.slice(0, lengthOf(cells))) {
        const last = runs.at(-1);
        if (last?.style === style) runs.splice(-1, 1, { text: last.text + character, style });
        else runs.push({ text: character, style });
      }
      return runs;
    });
  }

  write(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const cut = unfinished.exec(text)?.index ?? text.length;
    this.#rest = text.slice(cut);
    const parts = text.slice(0, cut).matchAll(part);
    for (const [whole, parameters = "", letter, character] of parts) {
      if (character !== undefined) this.#put(character);
      else if (letter !== undefined) this.#obey(whole, parameters, letter);
    }
  }

  #put(character: string): void {
    if (character === "\n") this.#down();
    else if (character === "\r") this.#column = 0;
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character === "\u0007") return;
    else if (character < " ")
      throw new Error(`a character that no screen shows: ${JSON.stringify(character)}`);
    else {
      if (this.#column >= this.#columns) {
        this.#column = 0;
        this.#down();
      }
      const cells = this.#cells();
      while (cells.length < this.#column) cells.push(blank);
      cells[this.#column] = { character, style: this.#style };
      this.#column++;
    }
  }

  #cells(): Cell[] {
    return this.#rows[this.#row] ?? [];
  }

  #down(): void {
    this.#row++;
    if (this.#row < this.#rows.length) return;
    this.#row--;
    this.#rows.shift();
    this.#rows.push([]);
  }

  #obey(whole: string, parameters: string, letter: string): void {
    // Modes, such as those of the cursor and of a paste, change nothing that is recorded.
    if (parameters.startsWith("?")) return;
    const numbers = parameters.split(";").map(Number);
    const [first = 0] = numbers;
    if (letter === "m") for (const number of numbers) this.#style = styled(this.#style, number);
    else if (letter === "A") this.#row = Math.max(0, this.#row - Math.max(1, first));
    else if (letter === "C")
      this.#column = Math.min(this.#columns - 1, this.#column + Math.max(1, first));
    else if (letter === "H" && parameters === "") [this.#row, this.#column] = [0, 0];
    else if (letter === "K" && first === 2) this.#cells().length = 0;
    else if (letter === "K" && first === 0) this.#cells().splice(this.#column);
    else if (letter === "J" && first >= 2) for (const cells of this.#rows) cells.length = 0;
    else if (letter === "J" && first === 0) {
      this.#cells().splice(this.#column);
      for (const cells of this.#rows.slice(this.#row + 1)) cells.length = 0;
    } else throw new Error(`a sequence that this screen does not know: ${JSON.stringify(whole)}`);
  }
}

function lengthOf(cells: readonly Cell[]): number {
  return cells.findLastIndex(({ character }) => character !== " ") + 1;
}

const styles = new Map<string, Style>();

/** A style after one number of "select graphic rendition". Equal styles are the same object. */
function styled(style: Style, number: number): Style {
  const next = changed(style, number);
  const key = JSON.stringify([next.colour, next.bold, next.dim, next.underlined]);
  const known = styles.get(key) ?? next;
  styles.set(key, known);
  return known;
}

function changed(style: Style, number: number): Style {
  if (number === 0) return plain;
  if (number === 1) return { ...style, bold: true };
  if (number === 2) return { ...style, dim: true };
  if (number === 4) return { ...style, underlined: true };
  if (number === 22) return { ...style, bold: false, dim: false };
  if (number === 24) return { ...style, underlined: false };
  if (number === 39) return { ...style, colour: null };
  const colour = colours[number - (number >= 90 ? 90 : 30)];
  if (colour === undefined) throw new Error(`a style that this screen does not know: ${number}`);
  return { ...style, colour };
}
