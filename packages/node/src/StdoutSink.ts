/**
 * Standard output as a place where rows go.
 *
 * @since 0.1.0
 */
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import * as StdoutOutput from "./StdoutOutput.ts"

/**
 * Rows as lines of JSON on the process's standard output, with harmless characters where that is a terminal. A reader that
 * goes away (`| head`) is a `SinkError` with the code `EPIPE`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (): SessionSink<unknown> =>
  NdjsonSink.output({ name: "stdout", output: StdoutOutput.make, forTerminal: process.stdout.isTTY })
