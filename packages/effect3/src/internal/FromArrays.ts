/** What the bridge reads, as a stream in chunks of its arrays. Leaving the stream ends the reading at once. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export const make = <A, E>(
  begin: Effect.Effect<AsyncIterable<ReadonlyArray<A>>>,
  failed: (error: unknown) => Effect.Effect<never, E>
): Stream.Stream<A, E> =>
  Effect.acquireRelease(
    Effect.map(begin, (arrays) => arrays[Symbol.asyncIterator]()),
    (loop) => Effect.promise(async () => loop.return?.())
  ).pipe(
    Effect.map((loop) =>
      Stream.repeatEffectChunkOption(
        Effect.tryPromise(() => loop.next()).pipe(
          Effect.catchAll(({ error }) => Effect.mapError(failed(error), Option.some)),
          Effect.flatMap(({ done, value }) =>
            done === true ? Effect.fail(Option.none()) : Effect.succeed(Chunk.unsafeFromArray(value))
          )
        )
      )
    ),
    Stream.unwrapScoped
  )
