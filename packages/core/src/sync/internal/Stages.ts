/** What a pass does, in order: what is new first, what can wait last. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import * as Again from "./Again.ts"
import * as Allowance from "./Allowance.ts"
import * as Audits from "./Audits.ts"
import * as Awaited from "./Awaited.ts"
import type * as Begin from "./Begin.ts"
import * as Counts from "./Counts.ts"
import * as FreshCalls from "./FreshCalls.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Missing from "./Missing.ts"
import type * as Pass from "./Pass.ts"
import * as WholeWalk from "./WholeWalk.ts"

/** The end of a whole pass. */
const forgetting = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<void, LedgerError> {
  const { lease, remember } = run.settings
  const acknowledged = Object.values(yield* lease.acknowledged).map(({ commit }) => commit)
  if (acknowledged.length > 0) {
    yield* ListEnd.forgetting(run, lease.forget(run.now - remember, Math.min(...acknowledged)))
  }
  yield* Missing.doubtOutage(run)
})

/** Each stage is a stream of looks. `isFresh`: the page that the pass began with is still the newest answer. */
export const looks = (
  { endpoint, first, run }: Begin.Begun,
  isFresh: boolean
): Stream.Stream<Look, AgniError | LedgerError, AgniClient> => {
  // Later answers are newer than that page.
  const page = first === undefined || isFresh ? Effect.succeed(first) : endpoint.created(1)
  const isWhole = FreshCalls.isWhole(run)
  const fresh = Stream.unwrap(Effect.map(page, (page) => FreshCalls.looks(run, endpoint, page)))
  const again = Stream.unwrap(Effect.map(Again.take(run), () => Again.looks(run)))
  const isUsable = run.profile.filterProblem === undefined
  const forget = Stream.fromEffectDrain(forgetting(run))
  if (!isUsable) {
    const all = fresh.pipe(
      Stream.concat(Stream.fromEffectDrain(Audits.wholeRead(run))),
      Stream.concat(again),
      Stream.concat(WholeWalk.looks(run, endpoint))
    )
    return Stream.concat(Allowance.untilSpent(run.allowance, run.isFirst ? "backfill" : "passes", all), forget)
  }
  const audits = Audits.audits(run, endpoint)
  if (run.isFirst) return Allowance.untilSpent(run.allowance, "backfill", Stream.concat(fresh, audits))
  const awaited = Awaited.awaited(run, endpoint)
  if (!isWhole) return fresh.pipe(Stream.concat(again), Stream.concat(awaited))
  const behind = Stream.unwrap(
    Effect.map(
      Effect.suspend(() => Counts.counts(run, endpoint)),
      (found) => {
        run.isCounted = found.isCounted
        return Counts.behind(run, endpoint, found.ranges)
      }
    )
  )
  const whole = fresh.pipe(
    Stream.concat(Stream.fromEffectDrain(Effect.sync(run.allowance.isNew))),
    Stream.concat(again),
    Stream.concat(Audits.holes(run)),
    Stream.concat(awaited),
    Stream.concat(behind),
    Stream.concat(audits),
    Stream.concat(Missing.missing(run, endpoint, () => run.isCounted))
  )
  return Stream.concat(Allowance.untilSpent(run.allowance, "passes", whole), forget)
}
