/** Durations as the bridge takes them. */
import * as Duration from "effect/Duration"

export const of = (duration: Duration.DurationInput | undefined): number | undefined =>
  duration === undefined ? undefined : Duration.toMillis(duration)
