/** How many requests a day a sync may make, which it made, and what waits because of that. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { Micros } from "../Tail.ts"

/** Work that can wait: see `Verdict.Work`. */
export const Work = Schema.Literals(["passes", "backfill", "looks", "audits"])
export type Work = typeof Work.Type

/** By this machine's clock, because it is about what is sent in real time. */
export const Requests = Schema.Struct({
  /** How many were sent, by the hour since 1970. */
  hours: Schema.Array(Schema.Struct({ hour: Schema.Int, sent: Schema.Int })),
  /** When the last pass began that did not wait, in µs. */
  last: Schema.Int,
  /** What reading what was new took in the last whole pass. */
  must: Schema.Int,
  /** The most a day, of the last pass. */
  most: Schema.optionalKey(Schema.Int),
  /** What waits since when. */
  waiting: Schema.Array(Schema.Struct({ work: Work, since: Schema.Int }))
})
export type Requests = typeof Requests.Type

const hour = 3_600_000_000

export const empty: Requests = { hours: [], last: 0, must: 0, waiting: [] }

/** Half of a day's requests may be spent at once. The rest lasts: a pass an hour has a sixth of what is left. */
const pace = 6 * hour

/** Sent in the last day: up to an hour longer, so that no day has more. */
export const sentIn = ({ hours }: Requests, now: Micros): number =>
  hours.reduce((sum, one) => (one.hour >= Math.floor(now / hour) - 24 ? sum + one.sent : sum), 0)

/** With some that were sent now. */
export const add = ({ hours, ...rest }: Requests, now: Micros, sent: number): Requests => {
  const at = Math.floor(now / hour)
  const kept = hours.filter((one) => one.hour >= at - 24 && one.hour !== at)
  const before = hours.find((one) => one.hour === at)?.sent ?? 0
  return { ...rest, hours: sent + before === 0 ? kept : [...kept, { hour: at, sent: sent + before }] }
}

export interface Allowance {
  /** Counts what is asked of it. */
  readonly client: AgniClient["Service"]
  /** Requests that this pass may still make for what can wait. */
  readonly spare: () => number
  /** Those of them that are for audits, because audits have waited for long. */
  readonly forAudits: number
  /** Ends the pass at the next request if the day has none left: a step that began is made whole, because no other would be. */
  readonly close: () => void
  /** When that request was asked for. */
  readonly closed: Effect.Effect<void>
  /** This is a whole pass, and what came since the last one was read by now. */
  readonly isNew: () => void
  /** Something was put off. */
  readonly putOff: (work: Work) => void
  /** With what this pass sent and put off so far. */
  readonly noted: () => Requests
}

interface Options {
  readonly before: Requests | undefined
  readonly now: Micros
  readonly most: number | undefined
  /** A first pass takes what there is. */
  readonly isFirst: boolean
}

/** After so long a pass does not begin without what some pages of an audit take. */
const longest = 12 * hour

export const forAuditsOf = ({ waiting }: Requests, now: Micros): number =>
  waiting.some(({ since, work }) => work === "audits" && now - since > longest) ? 5 : 0

export const now: Effect.Effect<Micros> = Effect.map(Clock.currentTimeMillis, (millis) => millis * 1000)

/** What a pass may send that begins now. */
export const shareOf = ({ before = empty, isFirst, most, now }: Options): number => {
  if (most === undefined) return Infinity
  const left = most - sentIn(before, now)
  const paced = left * Math.min(1, Math.max(0, now - before.last) / pace)
  return isFirst ? left : Math.max(paced, left - most / 2)
}

interface Pass {
  sent: number
  isClosed: boolean
  isWhole: boolean
  must: number
}

export const make = Effect.fnUntraced(function* (
  { list }: AgniClient["Service"],
  options: Options
): Effect.fn.Return<Allowance> {
  const { before = empty, most, now } = options
  const share = shareOf(options)
  const left = most === undefined ? Infinity : most - sentIn(before, now)
  const waiting = new Set<Work>()
  const closed = yield* Deferred.make<void>()
  const pass: Pass = { sent: 0, isClosed: false, isWhole: false, must: before.must }
  return {
    client: {
      list: (query, how) =>
        Effect.suspend(() => {
          if (pass.isClosed) return Effect.andThen(Deferred.succeed(closed, undefined), Effect.never)
          pass.sent++
          return list(query, how)
        })
    },
    spare: () => share - pass.sent,
    forAudits: forAuditsOf(before, now),
    close: () => (pass.isClosed = pass.sent >= left),
    closed: Deferred.await(closed),
    isNew: () => {
      pass.must = pass.sent
      pass.isWhole = true
    },
    putOff: (work) => waiting.add(work),
    noted: () => {
      // Only a whole pass has audits.
      if (!pass.isWhole && before.waiting.some(({ work }) => work === "audits")) waiting.add("audits")
      return withWaiting(
        { ...add(before, now, pass.sent), last: now, must: pass.must },
        { most, now, work: [...waiting] }
      )
    }
  }
})

/** What waits now. Work that waited before does so since then. */
export const withWaiting = (
  { hours, last, must, waiting }: Requests,
  about: { readonly most: number | undefined; readonly now: Micros; readonly work: ReadonlyArray<Work> }
): Requests => ({
  hours,
  last,
  must,
  ...(about.most === undefined ? {} : { most: about.most }),
  waiting: about.work.map((work) => ({ work, since: waiting.find((one) => one.work === work)?.since ?? about.now }))
})

/** What a pass does, until the day has no requests left. */
export const untilSpent = <A, E, R>(
  { close, closed, putOff }: Allowance,
  work: Work,
  looks: Stream.Stream<A, E, R>
): Stream.Stream<A, E, R> =>
  looks.pipe(
    Stream.tap(() => Effect.sync(close)),
    Stream.interruptWhen(
      Effect.andThen(
        closed,
        Effect.sync(() => putOff(work))
      )
    )
  )
