import { escapeUnprintable } from "../../../log/foreign.ts";

/** A piece of HTML, well-formed as XML too. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly Markup[];

/** HTML from a template. Every value that is no Markup is text: escaped, and nothing in it is invisible. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const written = values.map((value) => {
    if (value instanceof Markup) return value.text;
    if (typeof value === "string" || typeof value === "number") return escaped(String(value));
    return value.map(({ text }) => text).join("\n");
  });
  return new Markup(String.raw({ raw: parts }, ...written));
}

function escaped(text: string): string {
  return escapeUnprintable(text).replace(/[&<>"']/g, (one) => `&#${one.codePointAt(0)};`);
}
