/** Instants as people read them: by the clock of the time zone that was set, otherwise in UTC. */
import { type Calendar, Instant } from "@callstream/core"

/** Whole seconds, as the clock shows them. */
const shown = (instant: Instant.Instant, clock: Calendar.Calendar | undefined): string =>
  Instant.format(clock === undefined ? instant : clock.toLocal(instant))
    .slice(0, "2026-07-31T07:16:10".length)
    .replace("T", " ")

const inUtc = (text: string, clock: Calendar.Calendar | undefined) => (clock === undefined ? `${text} UTC` : text)

/** An instant, to the second: by the clock of the time zone that was set, otherwise in UTC. */
export const time = (instant: Instant.Instant, clock: Calendar.Calendar | undefined): string =>
  inUtc(shown(instant, clock), clock)

/** The same to the minute. */
export const minute = (instant: Instant.Instant, clock: Calendar.Calendar | undefined): string =>
  inUtc(shown(instant, clock).slice(0, -":10".length), clock)

/** The day of an instant, as an option takes it. */
export const day = (instant: Instant.Instant, clock: Calendar.Calendar | undefined): string =>
  shown(instant, clock).slice(0, "2026-07-31".length)

/** Two instants; that they are in UTC is said once. */
export const times = (
  first: Instant.Instant,
  word: "to" | "and",
  second: Instant.Instant,
  clock: Calendar.Calendar | undefined
): string => inUtc(`${shown(first, clock)} ${word} ${shown(second, clock)}`, clock)
