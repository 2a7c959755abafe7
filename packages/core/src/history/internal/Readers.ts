/** How many windows a reading reads at the same time, and how large they are. */
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type * as Probes from "../../endpoint/internal/Probes.ts"
import * as Cut from "./Cut.ts"
import * as Partitioner from "./Partitioner.ts"
import type { Settings } from "./Settings.ts"

/** Windows of a stretch that are read at the same time: while one is delivered, another one is read. */
const readersInStretch = 2

/** Windows of which a whole number makes a stretch. */
export const inStretches = (
  settings: Settings,
  seen: Probes.Seen,
  { pagesPerWindow }: { readonly pagesPerWindow?: number | undefined },
  { size = Cut.perStretch }: Pick<Cut.Options, "size">
): Settings => ({
  ...settings,
  concurrency: readersInStretch,
  perWindow:
    (pagesPerWindow ?? Partitioner.pagesPerWindow({ ...seen, about: Math.min(seen.about, size) }, 1)) * settings.size
})

/**
 * One reader more than requests at once: what a reader does between an answer and its next question takes no request's time. In a large
 * history, where not all windows are read at once, another one would hold a window more in memory than there are requests.
 */
export const readersFor = (concurrency: number, seen: Parameters<typeof Partitioner.isOneRound>[0]): number =>
  Partitioner.isOneRound(seen, concurrency + 1) ? concurrency + 1 : concurrency

/** A few more than its share: while one waits for its sinks, the others use its requests. */
export const perReader = (concurrency: number, readers: number): number =>
  readers === 1 ? concurrency : Math.min(concurrency, Math.ceil(concurrency / readers) + 1)

/** Counts a reader while it reads. */
export const counted = <A, E, R>(readers: Ref.Ref<number>, read: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.concat(
    Stream.fromEffectDrain(Ref.update(readers, (count) => count + 1)),
    Stream.ensuring(
      read,
      Ref.update(readers, (count) => count - 1)
    )
  )
