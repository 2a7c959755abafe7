/** A clock whose time passes when no fiber has anything to do: waits of a client take no time, and come in their order. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

interface Sleeper {
  /** In µs. */
  readonly until: number
  readonly wake: () => void
}

/** @param time Of the server and of this machine, in µs. */
export const make = (time: { readonly now: () => number; readonly wait: (until: number) => void }) => {
  const sleepers = new Set<Sleeper>()
  let turns = 0
  let looking = false
  const look = () => {
    looking = false
    if (turns > 0) return
    const [next] = [...sleepers].sort((a, b) => a.until - b.until)
    if (next === undefined) return
    sleepers.delete(next)
    time.wait(next.until)
    next.wake()
    lookLater()
  }
  const lookLater = () => {
    if (looking || sleepers.size === 0) return
    looking = true
    setImmediate(look)
  }
  const scheduler = new Scheduler.MixedScheduler("async", (run) => {
    turns++
    const turn = setImmediate(() => {
      turns--
      run()
      lookLater()
    })
    return () => {
      turns--
      clearImmediate(turn)
    }
  })
  const sleep = (duration: Duration.Duration) =>
    Effect.callback<void>((resume) => {
      const sleeper: Sleeper = {
        until: time.now() + Math.ceil(Duration.toMillis(duration) * 1000),
        wake: () => resume(Effect.void)
      }
      sleepers.add(sleeper)
      lookLater()
      return Effect.sync(() => sleepers.delete(sleeper))
    })
  const nanos = () => BigInt(time.now()) * 1000n
  const clock: Clock.Clock = {
    currentTimeMillis: Effect.sync(() => time.now() / 1000),
    currentTimeMillisUnsafe: () => time.now() / 1000,
    currentTimeNanos: Effect.sync(nanos),
    currentTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    sleep
  }
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    effect.pipe(Effect.provideService(Clock.Clock, clock), Effect.provideService(Scheduler.Scheduler, scheduler))
}
