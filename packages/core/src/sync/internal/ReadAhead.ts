/**
 * Windows are read while earlier ones are noted and delivered: at the end of a range many are there at once, and the requests that prove
 * the whole would wait for all of them.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Settings } from "./Pass.ts"

/** So many calls wait at most, about 25 MB. A window is as many at least. */
const [mostCalls, leastCalls] = [20_000, 250]

interface Read {
  readonly rows: { readonly length: number }
}

const sizeOf = ({ rows }: Read): number => Math.max(leastCalls, Math.min(rows.length, mostCalls))

/** Of requests that are limited, none is for what may not be noted any more: then a window is read when it is asked for. */
export const windows = <A extends Read, E, R>(
  read: Stream.Stream<A, E, R>,
  { maxRequests }: Pick<Settings, "maxRequests">
): Stream.Stream<A, E, R> =>
  maxRequests === undefined
    ? Stream.unwrap(
        Effect.map(Semaphore.make(mostCalls), (places) =>
          read.pipe(
            Stream.tap((window) => places.take(sizeOf(window))),
            Stream.buffer({ capacity: "unbounded" }),
            Stream.tap((window) => places.release(sizeOf(window)))
          )
        )
      )
    : read
