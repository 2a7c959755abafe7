/** Calls of which more is expected: which pages are worth reading again. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { type Entry, factsOf, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import * as Settlement from "../Settlement.ts"
import type { Look } from "../Sync.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as FindUndated from "./FindUndated.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"
import * as Tail from "../Tail.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** Of a page, so much is filled with what is known: more may have come, of calls that are young. */
const fullOf = ({ profile: { pageSize }, now, settings: { horizon } }: Pass.Run, start: number): number =>
  Math.max(1, Math.floor((now - start < horizon ? 0.8 : 0.93) * pageSize))

/** So many calls must have been seen appearing before it is known how long that takes. */
const fewBirths = 50

/** A range, and what reading it is worth. */
interface Worthy extends Span {
  readonly value: number
}

/** How many calls may have appeared beside one since it was read. */
const birthsBeside = ({ now, state: { settlement } }: Pass.Run, { readAt, start = now }: Entry): number => {
  const before = Tail.survival(settlement.births, readAt - start)
  return before >= 0.9 ? 0 : (before - Tail.survival(settlement.births, now - start)) / (1 - before)
}

/** Where passes follow one another closely, a change counts twice at most: it waits for long among others that come soon. */
const mostWeight = ({ before, began }: Pass.Run): number =>
  before !== undefined && began - before < Decide.closely ? 2 : 1

/**
 * What reading a call now is worth: the chance that it changed, less where that is not long ago, because a change that is soon read
 * anyway does not wait long.
 */
const valueOf = (run: Pass.Run, entry: Entry, births: boolean): number => {
  const { now, settings, state } = run
  const isDue = entry.due !== undefined && entry.due <= now
  // A call that is doubted, or that a consumer may lack, has to be seen again.
  if (entry.doubted !== undefined || entry.owed) return isDue ? settings.worth : 0
  const gain = isDue ? Settlement.gain(state.settlement, factsOf(entry), entry.readAt, now) : 0
  const came = births && now - (entry.start ?? now) < settings.horizon ? birthsBeside(run, entry) : 0
  return (gain + came) * Math.min(mostWeight(run), (now - entry.readAt) / Decide.fullWait)
}

const part = 6 * hour

/** Ranges of about a page with calls that are due, where the changes to expect are worth a request. */
const dueRanges = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<ReadonlyArray<Worthy>, LedgerError> {
  const { horizon, lease, worth } = run.settings
  const births = Tail.total(run.state.settlement.births) >= fewBirths
  const sums = new Map<number, number>()
  for (const entry of yield* lease.awaiting(run.now)) {
    if (entry.start === undefined) continue
    const key = Math.floor(entry.start / part)
    sums.set(key, (sums.get(key) ?? 0) + valueOf(run, entry, false))
  }
  // Where calls may still appear, each part is read.
  if (births) for (let at = run.now - horizon; at < run.now + part; at += part) sums.set(Math.floor(at / part), worth)
  const ranges: Array<Worthy> = []
  for (const [key] of [...sums].filter(([, sum]) => sum >= worth).sort(([left], [right]) => left - right)) {
    const entries = yield* lease.between({ from: part * key, to: part * (key + 1) })
    const values = entries.map((entry) => valueOf(run, entry, births))
    for (let first = values.findIndex((value) => value > 0); first !== -1;) {
      const end = first + fullOf(run, entries[first]?.start ?? 0)
      const last = values.findLastIndex((value, i) => value > 0 && i < end)
      const value = values.slice(first, last + 1).reduce((sum, one) => sum + one, 0)
      if (value >= worth) {
        const [begin, end] = [entries[first]?.start ?? 0, entries[last]?.start ?? 0]
        ranges.push({
          from: Math.floor(begin / second) * second,
          to: Math.floor(end / second) * second + second,
          value
        })
      }
      first = values.findIndex((value, i) => value > 0 && i > last)
    }
  }
  return ranges
})

/**
 * Calls without a start time that have to be seen again, because they are doubted, or a consumer may lack them. Each time that one
 * is not found it waits half as long again.
 */
const undated = (run: Pass.Run, endpoint: Endpoint): Looks => {
  const { lease } = run.settings
  // At the end of the list the newest pages show how most calls end.
  const isOpen = ({ status }: Entry) => ListEnd.works(run) && status === "open"
  const hasTo = (entry: Entry) =>
    (entry.owed || entry.doubted?.as === "back" || isOpen(entry)) && (entry.due ?? Infinity) <= run.now
  return Stream.unwrap(
    Effect.gen(function* () {
      const entries = (yield* lease.withoutStart).filter(hasTo)
      const later = Effect.gen(function* () {
        const rest = [...(yield* lease.byId(entries.map(({ id }) => id))).values()].filter(hasTo)
        const waiting = rest.map((entry) => ({
          ...entry,
          due: run.now + Math.max(minute, (run.now - entry.readAt) / 2)
        }))
        if (waiting.length > 0) yield* SyncState.note(lease, run.state, run.head, waiting)
      })
      if (entries.length === 0) return Stream.empty
      return FindUndated.find(run, endpoint, entries).pipe(
        Stream.map(({ look }) => look),
        Stream.concat(Stream.fromEffectDrain(later))
      )
    })
  )
}

/** Those that there are requests for: the most valuable ones, by their start. */
const affordable = ({ allowance }: Pass.Run, ranges: ReadonlyArray<Worthy>): ReadonlyArray<Span> => {
  const most = Math.max(0, Math.floor(allowance.spare() - allowance.forAudits))
  if (ranges.length <= most) return ranges
  allowance.putOff("looks")
  const best = ranges.toSorted((left, right) => right.value - left.value).slice(0, most)
  return best.sort((left, right) => left.from - right.from)
}

export const awaited = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromIterableEffect(Effect.suspend(() => Effect.map(dueRanges(run), (ranges) => affordable(run, ranges)))).pipe(
    Stream.mapEffect((range) => Pass.look(run, endpoint, "awaited", range)),
    Stream.concat(undated(run, endpoint))
  )
