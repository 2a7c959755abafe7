/** The mistakes in a pipeline file. They are apart from the reader of YAML, which few commands need. */
import * as Data from "effect/Data"

/** A mistake in a file for people: a line and a column, and the line with a mark below. */
export interface Pointed {
  readonly line: number
  readonly column: number
  readonly problem: string
  readonly quoted: ReadonlyArray<string>
  readonly advice: string | undefined
  /** The environment variable that is not set. */
  readonly variable: string | undefined
}

/** A pipeline file that cannot be used: exit code 2. Its mistakes are in the order of their lines. */
export class PipelineFileError extends Data.TaggedError("PipelineFileError")<{
  readonly file: string
  readonly mistakes: readonly [Pointed, ...ReadonlyArray<Pointed>]
}> {
  override get message(): string {
    return this.mistakes.map(({ column, line, problem }) => `${this.file}:${line}:${column}: ${problem}`).join("\n")
  }
}
