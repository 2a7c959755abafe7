/** The world outside of a process: a clock, and the moment at which the process ends. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export type Step = "open" | "pull" | "write" | "flush" | "save" | "finish"

/** How a process ends: at which step, before or after it took place. */
export interface Fate {
  readonly how: "killed" | "interrupted"
  /** `undefined` for a step of any kind. */
  readonly at: Step | undefined
  readonly nth: number
  readonly after: boolean
}

export interface Outside {
  /** Something that takes place outside of the process: not at all, when the process is no more. */
  readonly step: <A>(step: Step, act: () => A) => Effect.Effect<A>
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<Fiber.Fiber<A, E>>
  readonly ended: () => boolean
}

/** Time that passes by a little with each step, and otherwise when all wait for it. */
const makeClock = (steps: () => number): { readonly clock: Clock.Clock; readonly pass: (millis: number) => void } => {
  let now = 1_790_000_000_000
  let waiting: Array<{ readonly at: number; readonly wake: () => void }> = []
  let armed = false
  let idle = 0
  let seen = -1
  const pump = () => {
    idle = steps() === seen ? idle + 1 : 0
    seen = steps()
    const [next] = waiting.toSorted((left, right) => left.at - right.at)
    if (next !== undefined && idle > 3) {
      idle = 0
      waiting = waiting.filter((one) => one !== next)
      now = Math.max(now, next.at)
      next.wake()
    }
    armed = waiting.length > 0
    if (armed) setImmediate(pump)
  }
  const nanos = () => BigInt(Math.round(now)) * 1_000_000n
  return {
    pass: (millis) => {
      now += millis
    },
    clock: {
      currentTimeMillisUnsafe: () => now,
      currentTimeMillis: Effect.sync(() => now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const one = { at: now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
          waiting.push(one)
          if (!armed) setImmediate(pump)
          armed = true
          return Effect.sync(() => {
            waiting = waiting.filter((other) => other !== one)
          })
        })
    }
  }
}

/** A process of its own. `chance` gives numbers in [0, 1). */
export const make = (chance: () => number, fate: Fate | undefined): Outside => {
  let ended = false
  let steps = 0
  let met = 0
  let interrupt: () => void = () => undefined
  const { clock, pass } = makeClock(() => steps)
  const gone = Effect.die("the process is no more")
  return {
    ended: () => ended,
    step: (step, act) =>
      Effect.suspend(() => {
        if (ended) return gone
        steps++
        pass(chance() * 300)
        if (fate === undefined || (fate.at !== undefined && fate.at !== step) || ++met !== fate.nth) {
          return chance() < 0.2
            ? Effect.andThen(
                Effect.yieldNow,
                Effect.suspend(() => (ended ? gone : Effect.sync(act)))
              )
            : Effect.sync(act)
        }
        if (fate.how === "killed") {
          if (fate.after) act()
          ended = true
          return gone
        }
        if (fate.after) {
          const result = act()
          interrupt()
          return Effect.succeed(result)
        }
        interrupt()
        return Effect.andThen(Effect.yieldNow, Effect.sync(act))
      }),
    run: Effect.fnUntraced(function* (effect) {
      const fiber = yield* Effect.forkChild(Effect.provideService(effect, Clock.Clock, clock))
      // As a signal does: not in the middle of what a fiber of the run is doing, which would go on after its own end.
      interrupt = () => queueMicrotask(() => fiber.interruptUnsafe())
      return fiber
    })
  }
}

/** Numbers in [0, 1) that depend on the seed only. */
export const chanceOf = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}
