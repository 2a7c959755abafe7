/**
 * Standard output as a place for text.
 *
 * @since 0.1.0
 */
import type { TextOutput } from "@callstream/core/sink/OutputFile"
import { codeOf, fromCode, type OutputError } from "@callstream/core/sink/OutputError"
import * as SinkBytes from "@callstream/core/sink/SinkBytes"
import * as Effect from "effect/Effect"

/**
 * Writes to the process's standard output and waits until it has taken the text. A reader that goes away (`| head`) is an
 * `OutputError` with reason `closed`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<TextOutput> = Effect.sync(() => {
  // Without a listener Node throws the error of a closed pipe where nobody can catch it, also after the last write.
  if (!process.stdout.listeners("error").includes(ignore)) process.stdout.on("error", ignore)
  return {
    write: (text) => Effect.tap(written(text), () => SinkBytes.add(Buffer.byteLength(text))),
    finish: Effect.void
  }
})

const written = (text: string): Effect.Effect<void, OutputError> =>
  Effect.callback<void, OutputError>((resume) => {
    process.stdout.write(text, (error) =>
      resume(
        error === null || error === undefined ? Effect.void : Effect.fail(fromCode("stdout", "write", codeOf(error)))
      )
    )
  })

const ignore = () => {}
