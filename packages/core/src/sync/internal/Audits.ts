/** Everything is read again at some ages, whatever was expected of it; and holes are read again. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"
import * as CreationWalk from "./CreationWalk.ts"

const { second } = Decide
const minute = 60 * second
const hour = 60 * minute

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** More are not retried in one pass. */
const mostHoles = 5

export const holes = (run: Pass.Run): Looks =>
  Stream.suspend(() =>
    Stream.fromIterable(Pass.holes(run).slice(0, mostHoles)).pipe(
      Stream.filter(() => {
        const isAffordable = run.allowance.spare() > 0
        if (!isAffordable) run.allowance.putOff("audits")
        return isAffordable
      }),
      Stream.flatMap((range) => Pass.prove(run, "hole", range, { withoutStart: "skip" }))
    )
  )

/** So much is read at once, or twice as much where that would be a few pages: of those, the first and the last are read in part. */
const atOnce = 6 * hour
const fewPages = 5

const isDue = (run: Pass.Run, age: number, { from, to }: Span): Effect.Effect<boolean, LedgerError> => {
  const least = Math.min(atOnce, age / 4)
  return to - from < least || to - from >= 2 * least
    ? Effect.succeed(to - from >= least)
    : Effect.map(run.settings.lease.count({ from, to }), (calls) => calls >= fewPages * run.profile.pageSize)
}

/** What started before an age has been audited: noted when it is read. */
const keep = (run: Pass.Run, age: number, until: Micros): Effect.Effect<void, LedgerError> =>
  Effect.suspend(() => {
    const others = run.state.audits.filter((one) => one.age !== age)
    run.state = { ...run.state, audits: [...others, { age, until }] }
    return SyncState.note(run.settings.lease, run.state, run.head, [])
  })

const byCreation = (run: Pass.Run, endpoint: Endpoint, age: number, { from, to }: Span): Looks =>
  Stream.unwrap(
    Effect.map(CreationWalk.rankOf(run.settings.lease, to), (rank) => {
      const page = Math.max(1, Math.floor((rank - 5) / run.profile.pageSize) + 1)
      return CreationWalk.walk(run, endpoint, "audit", { from, to }, { page, first: undefined }, (reached) =>
        Stream.fromEffectDrain(keep(run, age, Math.min(reached, to)))
      )
    })
  )

/**
 * By creation where the server orders so, because calls without a start time come with the others. Elsewhere as an export reads, which
 * looks for them, too: where nothing showed them, later calls may.
 */
const audit = (run: Pass.Run, endpoint: Endpoint, age: number, range: Span): Looks =>
  run.state.byCreation?.works === true
    ? byCreation(run, endpoint, age, range)
    : Pass.prove(run, "audit", range, { withoutStart: ListEnd.works(run) ? "skip" : "include" }).pipe(
        Stream.concat(ListEnd.audit(run, endpoint, range)),
        Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => keep(run, age, range.to))))
      )

/** The part of it that there are requests for; the rest is due again in the next pass. */
const affordable = Effect.fnUntraced(function* (
  { allowance, profile: { pageSize }, settings: { lease } }: Pass.Run,
  { from, to }: Span
): Effect.fn.Return<Span | undefined, LedgerError> {
  // A page at each end is read in part.
  const most = pageSize * (Math.floor(allowance.spare()) - 2)
  if ((yield* lease.count({ from, to })) <= most) return { from, to }
  allowance.putOff("audits")
  let [low, high] = [from, to]
  while (high - low > minute) {
    const middle = Math.floor((low + high) / 2 / second) * second
    if ((yield* lease.count({ from, to: middle })) <= most) low = middle
    else high = middle
  }
  return low > from ? { from, to: low } : undefined
})

/** Each pass reads everything where bounds mean nothing: no audit is due before then. */
export const wholeRead = (run: Pass.Run): Effect.Effect<void, LedgerError> =>
  Effect.forEach(
    run.settings.audits,
    (age) => keep(run, age, Math.max(run.settings.from, Math.floor((run.now - age) / second) * second)),
    { discard: true }
  )

export const audits = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromIterable(run.settings.audits).pipe(
    Stream.flatMap((age) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const until = run.state.audits.find((one) => one.age === age)?.until
          const to = Math.floor((run.now - age) / second) * second
          // Calls that were older when they were read first need no audit.
          if (until === undefined) return Stream.fromEffectDrain(keep(run, age, Math.max(run.settings.from, to)))
          const range = { from: until, to }
          if (!(yield* isDue(run, age, range))) return Stream.empty
          const part = yield* affordable(run, range)
          return part === undefined ? Stream.empty : audit(run, endpoint, age, part)
        })
      )
    )
  )
