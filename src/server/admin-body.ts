import type * as z from "zod";

/** Bytes of a body that are read at most. */
export const bodyMax = 64 * 1024;

/** What was asked can't be read: the asker's fault. */
export class BadRequest extends Error {
  readonly status: 400 | 413;
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null, status: 400 | 413 = 400) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** The body of a request as JSON of a shape. Throws BadRequest; one that breaks off is one. */
export async function jsonOf<Schema extends z.ZodType>(
  schema: Schema,
  request: Request,
): Promise<z.output<Schema>> {
  const text = await textOf(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequest("the body is no JSON");
  }
  return checked(schema, value);
}

/** A value of a shape. Throws BadRequest. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new BadRequest(where === "" ? (issue?.message ?? "") : `${where}: ${issue?.message ?? ""}`);
}

async function textOf(request: Request): Promise<string> {
  const announced = Number(request.headers.get("content-length") ?? "0");
  if (announced > bodyMax) throw tooLarge();
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; ;) {
    const chunk = await reader?.read().catch(() => {
      throw new BadRequest("the body did not come whole");
    });
    if (chunk?.value === undefined) return text + decoder.decode();
    bytes += chunk.value.length;
    if (bytes > bodyMax) throw tooLarge();
    text += decoder.decode(chunk.value, { stream: true });
  }
}

function tooLarge(): BadRequest {
  return new BadRequest(`a body of more than ${bodyMax} B`, null, 413);
}
