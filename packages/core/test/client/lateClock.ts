import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"

let readings = 0n

/** A clock whose sleepers wake up late by up to so many milliseconds. No two readings of such clocks are equal. */
export const lateClock = (clock: Clock.Clock, most: number, random: () => number): Clock.Clock =>
  Object.assign(Object.create(clock), {
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + ++readings,
    sleep: (duration: Duration.Duration) =>
      clock.sleep(Duration.sum(Duration.fromInputUnsafe(duration), Duration.millis(most * random())))
  })
