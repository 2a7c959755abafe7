/** A sink of rows in a bucket: the keys are looked for, and the store is asked, when it is opened. */
import { type ObjectStore, SessionSink, SinkError } from "@callstream/core"
import { AgniTransport } from "@callstream/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Sink } from "./Sinks.ts"

interface Options {
  readonly bucket: string
  /** The address of the object. */
  readonly path: string
  /** That of a store other than AWS; the environment has another one. */
  readonly endpoint: string | undefined
  /** How stretches write it. */
  readonly shares: SessionSink.Shares | undefined
  /** How it is in a sync, if it is in one. */
  readonly keeps: SessionSink.Keeps | undefined
}

const storeOf = Effect.fnUntraced(function* ({ bucket, endpoint, path }: Options) {
  // Loaded when it is needed: most runs write elsewhere.
  const [S3Credentials, S3Store] = yield* Effect.promise(() =>
    Promise.all([import("@callstream/node/S3Credentials"), import("@callstream/node/S3Store")])
  )
  const known = yield* S3Credentials.settings
  const credentials = yield* S3Credentials.find(path)
  const options = { bucket, credentials, endpoint: endpoint ?? known.endpoint, region: known.region }
  return yield* Effect.provideContext(S3Store.make(options), yield* Layer.build(AgniTransport.layer))
})

const failing = (sink: string, operation: SinkError["operation"]) =>
  Effect.mapError(
    ({ code, reason, target }: ObjectStore.ObjectStoreError) =>
      new SinkError({
        sink,
        operation,
        retryable: false,
        reason:
          reason._tag === "Untrusted"
            ? reason
            : { _tag: "Output", target, reason, ...(code === undefined ? {} : { code }) }
      })
  )

/** @param make The sink of the bucket. */
export const make = (options: Options, make: (store: ObjectStore.ObjectStore) => Effect.Effect<Sink>): Sink =>
  SessionSink.make({
    name: options.path,
    delivery: "resumable",
    keeps: options.keeps,
    shares: options.shares,
    open: Effect.fnUntraced(function* (opening) {
      const sink = yield* make(yield* failing(options.path, "open")(storeOf(options)))
      return yield* sink.open(opening)
    }),
    verify: Effect.fnUntraced(function* (left, opening) {
      const sink = yield* make(yield* failing(options.path, "verify")(storeOf(options)))
      yield* sink.verify?.(left, opening) ?? Effect.void
    })
  })
