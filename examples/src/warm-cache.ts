/**
 * A cache of the calls of the last week that stays up to date: `node src/warm-cache.ts`, or with `--follow` a pass a minute until
 * Ctrl-C. The ledger is in memory like the cache, so both start empty.
 */
import { type CallSession, CallSessions, Ledger, Sync } from "@callstream/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, DateTime, Effect, Layer, Stream } from "effect"
import * as Agni from "./Agni.ts"

export type Cache = Map<string, CallSession.CallSession>

/** Puts each change into the cache, and acknowledges it then. */
export const keepWarm = Effect.fn("keepWarm")(function* (
  cache: Cache,
  options: Pick<Sync.ChangesOptions, "every" | "onLook"> = {}
) {
  const now = yield* DateTime.now
  yield* CallSessions.changes({ ...options, name: "cache", from: DateTime.subtract(now, { days: 7 }) }).pipe(
    Stream.runForEach(({ acknowledge, id, session }) => {
      if (session === undefined) cache.delete(id)
      else cache.set(id, session)
      return acknowledge
    })
  )
})

if (import.meta.main) {
  const cache: Cache = new Map()
  const every = process.argv.includes("--follow") ? ("1 minute" as const) : undefined
  const onLook = ({ changes, requests, why }: Sync.Look) =>
    Console.error(`${why}: ${changes.length} changes, ${requests} requests`)
  keepWarm(cache, { every, onLook }).pipe(
    Effect.andThen(Effect.suspend(() => Console.log(`${cache.size} calls in the cache`))),
    Effect.provide(Layer.merge(Agni.layer, Ledger.layerMemory)),
    NodeRuntime.runMain
  )
}
