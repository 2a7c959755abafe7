/** What goes wrong while a history of a sync is played: kills at each of its steps, and sinks that are down. */
import { SinkError } from "@callstream/core/sink/SinkError"
import * as Effect from "effect/Effect"
import type { Random } from "../sync/SyncRandom.ts"
import type * as Receivers from "./SyncReceivers.ts"

const steps = [
  "before a note",
  "after a note",
  "write",
  "half",
  "flush",
  "flushed",
  "before acknowledging",
  "after acknowledging"
] as const
type Step = (typeof steps)[number]

export class Killed extends Error {}

/** How often, and of which sinks. */
interface Chances {
  readonly kills: number
  readonly failures: number
  readonly sinks: ReadonlyArray<string>
}

interface Killing {
  at: Step
  left: number
}

export interface Faults {
  killing: Killing | undefined
  /** For how many more of its calls a sink fails. */
  readonly down: Map<string, number>
  failures: number
  readonly passBy: (at: Step) => Effect.Effect<void>
  readonly at: Receivers.At
  readonly draw: () => void
  readonly heal: () => void
}

/** What is drawn while a history is played, and what goes wrong in it. */
export const make = (one: Chances, source: Random): Faults => {
  const faults: Faults = {
    killing: undefined,
    down: new Map(),
    failures: 0,
    passBy: (at) =>
      Effect.suspend(() => {
        const { killing } = faults
        if (killing?.at !== at) return Effect.void
        killing.left--
        return killing.left < 0 ? Effect.die(new Killed()) : Effect.void
      }),
    at: (sink, step) =>
      Effect.suspend(() => {
        const calls = step === "flushed" ? 0 : (faults.down.get(sink) ?? 0)
        if (calls > 0) {
          faults.down.set(sink, calls - 1)
          faults.failures++
          const reason = { _tag: "Other", description: "it is down" } as const
          return Effect.fail(new SinkError({ sink, operation: "write", retryable: step === "open", reason }))
        }
        return step === "open" ? Effect.void : faults.passBy(step)
      }),
    draw: () => {
      faults.killing = source.chance(one.kills) ? { at: source.pick(steps), left: source.below(5) } : undefined
      for (const name of one.sinks) if (source.chance(one.failures)) faults.down.set(name, 1 + source.below(12))
    },
    heal: () => {
      faults.killing = undefined
      faults.down.clear()
    }
  }
  return faults
}
