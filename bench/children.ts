/** The processes that a benchmark has started. It always ends these, and no others. */
export class Children {
  readonly #running = new Set<Bun.Subprocess>();

  spawn<Out extends "ignore" | "pipe">(
    command: readonly string[],
    options: { readonly stdout: Out; readonly stderr: "inherit" | Bun.BunFile },
  ): Bun.Subprocess<"ignore", Out, "inherit" | Bun.BunFile> {
    const child = Bun.spawn([...command], { env: process.env, ...options, stdin: "ignore" });
    this.#running.add(child);
    void child.exited.then(() => this.#running.delete(child));
    return child;
  }

  /** Ends one of them: SIGTERM, then SIGKILL. */
  async end(child: Bun.Subprocess): Promise<void> {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
    await child.exited;
    clearTimeout(timer);
  }

  /** For an exit that can't wait. */
  killAll(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }
}
