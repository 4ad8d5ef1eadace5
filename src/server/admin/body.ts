import type * as z from "zod";
import { nearest } from "../../config/nearest.ts";

/** Maximum bytes of a body. */
const bodyMaxBytes = 64 * 1024;

/** The request is invalid: the client's error. */
export class BadRequest extends Error {
  readonly status: 400 | 413;
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null, status: 400 | 413 = 400) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/**
 * The JSON body of a request, checked by `schema`. Throws BadRequest, also for a truncated body.
 */
export async function bodyOf<Schema extends z.ZodObject>(
  schema: Schema,
  request: Request,
): Promise<z.output<Schema>> {
  const text = await textOf(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequest("the body is not JSON");
  }
  return checked(schema, value);
}

/** `given`, checked by a schema whose messages say what is allowed. Throws BadRequest. */
export function checked<Schema extends z.ZodObject>(
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const meant = nearest(key, Object.keys(schema.shape));
    throw new BadRequest(
      `unknown parameter ${key}`,
      meant === null ? null : `did you mean ${meant}?`,
    );
  }
  const where = issue?.path[0];
  if (where === undefined) throw new BadRequest(`found ${shown(given)}, allowed: an object`);
  const value: unknown = (given as Record<PropertyKey, unknown>)[where]; // It was an object.
  const found = value === undefined ? "missing" : `found ${shown(value)}`;
  throw new BadRequest(`${String(where)}: ${found}, allowed: ${issue?.message ?? ""}`);
}

const shownMaxChars = 40;

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > shownMaxChars ? `${text.slice(0, shownMaxChars)}...` : text;
}

async function textOf(request: Request): Promise<string> {
  const announced = Number(request.headers.get("content-length") ?? "0");
  if (announced > bodyMaxBytes) throw tooLarge();
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; ;) {
    const chunk = await reader?.read().catch(() => {
      throw new BadRequest("the body is incomplete");
    });
    if (chunk?.value === undefined) return text + decoder.decode();
    bytes += chunk.value.length;
    if (bytes > bodyMaxBytes) throw tooLarge();
    text += decoder.decode(chunk.value, { stream: true });
  }
}

function tooLarge(): BadRequest {
  return new BadRequest(`the body is larger than ${bodyMaxBytes} B`, null, 413);
}
