/**
 * The saved position of a pipeline, from which a stopped run resumes.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { CoverageSet, Range } from "../coverage/CoverageSet.ts"
import { Committed } from "../model/Committed.ts"
import * as Epoch from "../model/Epoch.ts"
import { difference, type Fingerprint } from "../model/Fingerprint.ts"
import { Version } from "../model/Version.ts"
import { CheckpointError } from "./CheckpointError.ts"

/**
 * The saved state of a stretch of a run, which is read and committed by itself.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Stretch = Schema.Struct({
  range: Range,
  sinks: Schema.Record(Schema.String, Committed),
  /** Every sink holds the whole stretch. */
  finished: Schema.Boolean,
  coverage: Schema.optionalKey(CoverageSet)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Stretch = typeof Stretch.Type

/**
 * The saved state: one `Committed` for each sink. The next run resumes from the lowest, and each sink skips what it has.
 *
 * @since 0.1.0
 * @category schemas
 */
export const State = Schema.Struct({
  version: Schema.Literal(2),
  fingerprint: Schema.Record(Schema.String, Schema.String),
  sinks: Schema.Record(Schema.String, Committed),
  /** Every sink holds the whole range, so the next run does nothing. */
  finished: Schema.Boolean,
  /** The highest version that a row may have; the next run gives higher ones. */
  lastVersion: Schema.optionalKey(Version),
  /** The state of the source, such as the resolved range. Saved before anything is read. */
  source: Schema.optionalKey(Schema.Json),
  /** The coverage of everything that the sinks hold. */
  coverage: Schema.optionalKey(CoverageSet),
  /** What answers showed, and which calls were delivered: it has hashes of their ids, and their starts. */
  evidence: Schema.optionalKey(Schema.Json),
  /** Of a run whose stretches are read in parallel: they tile its range. Until they are finished, the rest is empty. */
  stretches: Schema.optionalKey(Schema.Array(Stretch))
})

/**
 * @since 0.1.0
 * @category models
 */
export type State = typeof State.Type

/**
 * A pipeline's checkpoint, held by one run at a time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  /** A whole number. Each lease of a checkpoint has a higher one than all before it, and sinks take nothing of a lower one. */
  readonly epoch: number
  readonly state: Option.Option<State>
  /** When it returns, the state survives a power failure. Fails with `Fenced` once the checkpoint has a later lease. */
  readonly commit: (state: State) => Effect.Effect<void, CheckpointError>
}

/**
 * Stores checkpoints. `open` takes a lease, which ends with its scope.
 *
 * @since 0.1.0
 * @category services
 */
export class Checkpoint extends Context.Service<
  Checkpoint,
  {
    readonly open: (pipeline: string, fingerprint: Fingerprint) => Effect.Effect<Lease, CheckpointError, Scope.Scope>
  }
>()("@callstream/core/checkpoint/Checkpoint") {
  /**
   * Checkpoints in memory, for as long as the layer lives.
   */
  static readonly layerMemory: Layer.Layer<Checkpoint> = Layer.sync(Checkpoint, () => {
    const states = new Map<string, State>()
    const epochs = new Map<string, number>()
    const held = new Set<string>()
    return {
      open: Effect.fnUntraced(function* (pipeline, fingerprint) {
        yield* Effect.acquireRelease(
          Effect.suspend(() => {
            if (held.has(pipeline)) {
              return Effect.fail(new CheckpointError({ reason: { _tag: "Held", pipeline, held: { _tag: "Running" } } }))
            }
            return Effect.sync(() => held.add(pipeline))
          }),
          () => Effect.sync(() => held.delete(pipeline))
        )
        const state = states.get(pipeline)
        if (state !== undefined) yield* refuseOther(pipeline, state, fingerprint)
        const epoch = Epoch.next(epochs.get(pipeline) ?? 0, yield* Clock.currentTimeMillis)
        epochs.set(pipeline, epoch)
        return {
          epoch,
          state: Option.fromUndefinedOr(state),
          commit: (next: State) =>
            Effect.suspend(() =>
              epochs.get(pipeline) === epoch
                ? Effect.sync(() => void states.set(pipeline, next))
                : Effect.fail(new CheckpointError({ reason: { _tag: "Fenced", pipeline } }))
            )
        }
      })
    }
  })
}

/**
 * Fails, naming the parts that differ, when another pipeline saved the checkpoint. A checkpoint in which no sink has
 * anything belongs to no pipeline yet.
 *
 * @since 0.1.0
 * @category checks
 */
export const refuseOther = (
  pipeline: string,
  { fingerprint: kept, sinks, stretches = [] }: State,
  asked: Fingerprint
): Effect.Effect<void, CheckpointError> => {
  if ([sinks, ...stretches.map(({ sinks }) => sinks)].every((one) => Object.keys(one).length === 0)) return Effect.void
  return refuseDifferent(pipeline, kept, asked)
}

/**
 * Fails, naming the parts that differ, where two fingerprints are not of one pipeline.
 *
 * @since 0.1.0
 * @category checks
 */
export const refuseDifferent = (
  pipeline: string,
  kept: Fingerprint,
  asked: Fingerprint
): Effect.Effect<void, CheckpointError> => {
  const parts = difference(kept, asked)
  if (parts.length === 0) return Effect.void
  return Effect.fail(
    new CheckpointError({
      reason: {
        _tag: "Different",
        pipeline,
        parts: parts.map((name) => {
          const [was, now] = [kept[name], asked[name]]
          return { name, ...(was === undefined ? {} : { was }), ...(now === undefined ? {} : { now }) }
        })
      }
    })
  )
}
