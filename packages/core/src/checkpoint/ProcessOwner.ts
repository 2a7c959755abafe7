/**
 * Which process holds a lock, and whether it still lives: what only the platform knows.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A process, identified as well as the platform can: a process id alone is used again.
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
  /** Since when the machine is up. */
  boot: Schema.optionalKey(Schema.String),
  /** Where the process id means something, such as a container. */
  space: Schema.optionalKey(Schema.String),
  /** Since when the process runs. */
  start: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Owner = typeof Owner.Type

/**
 * What can be said of an owner from here.
 *
 * - `alive`: it runs, or may do so.
 * - `gone`: it has certainly ended.
 * - `elsewhere`: it belongs to another machine or container, and nothing can be said.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "alive" | "gone" | "elsewhere"

/**
 * The process that this code runs in, and a judgement on others.
 *
 * @since 0.1.0
 * @category services
 */
export class ProcessOwner extends Context.Service<
  ProcessOwner,
  {
    readonly self: Owner
    /** `gone` only when that is certain: on it a lock is taken over. */
    readonly judge: (owner: Owner) => Effect.Effect<Verdict>
  }
>()("@callstream/core/checkpoint/ProcessOwner") {}
