/**
 * Estimates how many requests a day a sync takes, before it runs.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { defaultHorizon } from "../model/Limits.ts"

/**
 * What the bill depends on.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly callsADay: number
  /** Calls on a page. */
  readonly pageSize: number
  /** From one pass to the next. */
  readonly every: Duration.Input
  /** As of `Sync.Options`. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /** How many audits each call has. @default 3 */
  readonly audits?: number | undefined
}

const hours = (input: Duration.Input): number => Duration.toHours(Duration.fromInputUnsafe(input))

/** An audit reads a quarter of a day at once. */
const partsOfAudit = 4

/**
 * About so many requests a day, by what was measured of organizations whose calls get cost, recording and analysis within
 * minutes, most of them, where the server orders by creation. Slower or faster ones take up to half as many more or less.
 *
 * @since 0.1.0
 * @category reading
 */
export const requestsADay = ({ audits = 3, callsADay, horizon, pageSize, ...rest }: Options): number => {
  const [every, back] = [hours(rest.every), hours(horizon ?? defaultHorizon)]
  const pages = callsADay / pageSize
  const passes = 24 / every
  const whole = Math.min(passes, 24 / (0.45 * back))
  const between = 24 / whole
  // A walk goes back by the horizon, and ends within a page.
  const walks = whole * ((pages / 24) * (between + back + 1 / 6) + 0.7)
  const quick = (passes - whole) * (1 + (pages / 24) * every)
  const counts = 2.2 * whole + 0.7 * pages
  const audited = audits * (pages + 0.6 * partsOfAudit)
  const awaited = pages * Math.min(40, 1.7 * Math.max(0.2, 1 / every) ** 0.73)
  return Math.round(walks + quick + counts + audited + awaited)
}
