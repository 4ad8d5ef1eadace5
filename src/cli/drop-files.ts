import { fault } from "../core/assert.ts";
import { WholeFile } from "../config/whole-file.ts";
import { junitReport } from "../drop/report/junit.ts";
import { htmlPage } from "../drop/report/page/page.ts";
import { recordingOf } from "../drop/report/records.ts";
import type { Report } from "../drop/report/summary.ts";
import type { DropRequest } from "./drop-request.ts";

/** The files that a run writes at its end, whole. */
export class ReportFiles {
  readonly #junit: WholeFile | null;
  readonly #html: WholeFile | null;

  /** Throws CliError (exit code 2) if one can't be written. */
  constructor({ junit, html }: Pick<DropRequest, "junit" | "html">) {
    this.#junit = junit === null ? null : new WholeFile(junit);
    try {
      this.#html = html === null ? null : new WholeFile(html);
    } catch (error) {
      this.#junit?.abandon();
      throw error;
    }
  }

  /** `output`: what `--json` prints of this run. Throws CliError (exit code 2). */
  write(report: Report, output: string): void {
    this.#junit?.write(junitReport(report));
    if (this.#html === null) return;
    const recording = recordingOf(output);
    if (typeof recording === "string") fault(`its own output is unreadable: ${recording}`);
    this.#html.write(htmlPage(recording));
  }

  /** Removes the drafts, if any. */
  abandon(): void {
    this.#junit?.abandon();
    this.#html?.abandon();
  }
}
