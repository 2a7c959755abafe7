/**
 * The process that holds a lock, and whether it is still alive, which only the platform knows.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A process. Its id alone is not enough, because systems use ids again.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Owner = Schema.Struct({
  host: Schema.String,
  // 0 and negative ids mean groups of processes, larger ones wrap around.
  pid: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0x7fff_ffff })),
  /** Distinguishes machines of one name. */
  machine: Schema.optionalKey(Schema.String),
  /** When the machine was started. */
  boot: Schema.optionalKey(Schema.String),
  /** The namespace of the process id, such as a container. */
  space: Schema.optionalKey(Schema.String),
  /** When the process was started. */
  start: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Owner = typeof Owner.Type

/**
 * What this machine knows of an owner.
 *
 * - `alive`: it runs, or may do so.
 * - `gone`: it has certainly ended.
 * - `elsewhere`: it belongs to another machine or container, so nothing is known.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "alive" | "gone" | "elsewhere"

/**
 * Identifies this process, and checks others.
 *
 * @since 0.1.0
 * @category services
 */
export class ProcessOwner extends Context.Service<
  ProcessOwner,
  {
    readonly self: Owner
    /** `gone` only if it is certain, because its lock is then taken over. */
    readonly judge: (owner: Owner) => Effect.Effect<Verdict>
  }
>()("@callstream/core/checkpoint/ProcessOwner") {}
