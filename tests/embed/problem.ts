/** What a promise is rejected with, as text. Throws if it is not. */
export async function problemOf(work: Promise<unknown>): Promise<string> {
  const settled = await work.then(
    () => null,
    (error: unknown) => String(error),
  );
  if (settled === null) throw new Error("it was not rejected");
  return settled;
}
