/** Whether a compressed file can be read to its end: only what is read shows that. */
import type { Compression } from "@callstream/core/sink/Compression"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Transform } from "node:stream"

/** A decompressor that takes members one after another. */
type Decoder = Transform & { readonly bytesWritten: number }

/** Of what comes out at once: with the default of 16 KiB most of the time goes into handing it over. */
export const chunkSize = 1024 * 1024

export const verify =
  (make: () => Decoder): Compression["verify"] =>
  <E>(pieces: Stream.Stream<Uint8Array, E>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const verdict = yield* Deferred.make<boolean>()
        const decoder = yield* Effect.acquireRelease(Effect.sync(make), (decoder) =>
          Effect.sync(() => decoder.destroy())
        )
        const given = yield* Ref.make(0)
        decoder.on("error", () => Deferred.doneUnsafe(verdict, Effect.succeed(false)))
        // Bytes after the last member that are no member are ignored without an error.
        decoder.on("end", () =>
          Deferred.doneUnsafe(verdict, Effect.succeed(decoder.bytesWritten === Ref.getUnsafe(given)))
        )
        decoder.resume()
        const put = (bytes: Uint8Array) =>
          Effect.andThen(
            Ref.update(given, (before) => before + bytes.length),
            Effect.callback<void>((resume) => {
              decoder.write(bytes, () => resume(Effect.void))
            })
          )
        const all = Effect.andThen(
          Stream.runForEach(pieces, put),
          Effect.sync(() => decoder.end())
        )
        return yield* Effect.raceFirst(Deferred.await(verdict), Effect.andThen(all, Effect.never))
      })
    )
