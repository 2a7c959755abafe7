/**
 * Where a pipeline stood, so that a run that was stopped goes on.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { CoverageSet } from "../coverage/CoverageSet.ts"
import { Committed } from "../model/Committed.ts"
import { difference, type Fingerprint } from "../model/Fingerprint.ts"
import { Version } from "../model/Version.ts"

/**
 * What is kept: one `Committed` a sink. The next run resumes from the least, each sink skips what it has.
 *
 * @since 0.1.0
 * @category schemas
 */
export const State = Schema.Struct({
  version: Schema.Literal(2),
  fingerprint: Schema.Record(Schema.String, Schema.String),
  sinks: Schema.Record(Schema.String, Committed),
  /** The whole range is in every sink: there is nothing to go on with. */
  finished: Schema.Boolean,
  /** No version above this one was given to a row: the next run gives higher ones. */
  lastVersion: Schema.optionalKey(Version),
  /** The state of the source, such as the range as it was resolved. Kept before anything is read. */
  source: Schema.optionalKey(Schema.Json),
  /** What is known of what the sinks have. */
  coverage: Schema.optionalKey(CoverageSet)
})

/**
 * @since 0.1.0
 * @category models
 */
export type State = typeof State.Type

/**
 * Why a checkpoint cannot be used.
 *
 * - `held`: another run of the pipeline is under way.
 * - `torn`: what was kept cannot be read, or was changed by hand.
 * - `different`: it belongs to another pipeline.
 * - `untrusted`: another user owns it, its folder or its lock, or can write there, or it is a symbolic link.
 * - `io`: it cannot be written or read.
 *
 * @since 0.1.0
 * @category errors
 */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  reason: Schema.Literals(["held", "torn", "different", "untrusted", "io"]),
  /** What happened, in one sentence without a capital and a full stop. */
  description: Schema.String,
  /** What to do, in one sentence. */
  advice: Schema.optionalKey(Schema.String),
  /** Of `different`: the parts of the fingerprint that differ. */
  parts: Schema.optionalKey(Schema.Array(Schema.String))
}) {
  override get message(): string {
    return this.description
  }
}

/**
 * A pipeline's checkpoint, held by one run at a time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  readonly state: Option.Option<State>
  /** Safe from a power failure when it returns. */
  readonly commit: (state: State) => Effect.Effect<void, CheckpointError>
}

/**
 * Where checkpoints are kept; `open` is a lease that is given back with its scope.
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
   * Checkpoints that last as long as the layer.
   */
  static readonly layerMemory: Layer.Layer<Checkpoint> = Layer.sync(Checkpoint, () => {
    const states = new Map<string, State>()
    const held = new Set<string>()
    return {
      open: Effect.fnUntraced(function* (pipeline, fingerprint) {
        yield* Effect.acquireRelease(
          Effect.suspend(() => {
            if (held.has(pipeline)) {
              const description = `the pipeline ${pipeline} is running already, in this process`
              return Effect.fail(new CheckpointError({ reason: "held", description }))
            }
            return Effect.sync(() => held.add(pipeline))
          }),
          () => Effect.sync(() => held.delete(pipeline))
        )
        const state = states.get(pipeline)
        if (state !== undefined) yield* refuseOther(pipeline, state, fingerprint)
        return {
          state: Option.fromUndefinedOr(state),
          commit: (next: State) => Effect.sync(() => void states.set(pipeline, next))
        }
      })
    }
  })
}

/**
 * Fails, naming the parts, when a checkpoint was kept by another pipeline than the one that asks for it. One in which no
 * sink has anything belongs to nobody yet.
 *
 * @since 0.1.0
 * @category checks
 */
export const refuseOther = (
  pipeline: string,
  { fingerprint: kept, sinks }: State,
  asked: Fingerprint
): Effect.Effect<void, CheckpointError> => {
  if (Object.keys(sinks).length === 0) return Effect.void
  const parts = difference(kept, asked)
  if (parts.length === 0) return Effect.void
  const tell = (value: string | undefined) => (value === undefined || value === "" ? "nothing" : value)
  return Effect.fail(
    new CheckpointError({
      reason: "different",
      description: `the checkpoint ${pipeline} belongs to another pipeline: ${parts
        .map((part) => `${part} was ${tell(kept[part])}, now ${tell(asked[part])}`)
        .join("; ")}`,
      advice: "Run it as it was, or give this one another name.",
      parts
    })
  )
}
