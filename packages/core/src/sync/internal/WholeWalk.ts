/**
 * Where bounds of time mean nothing, no reading shows that a call is absent from a range. So the whole list is walked once a day. What it
 * lacks is looked for by another walk, ten minutes later or more, and removed if that lacks it, too.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { type Entry, isAbsent } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Missing from "./Missing.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"
import type * as WholeList from "./WholeList.ts"

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

const hour = 3600 * Decide.second
const day = 24 * hour

/** How often the list is walked at most in one pass, while calls come and leave. */
const attempts = 2

/** Pages that a walk is expected to take: they overlap, and some are smaller. */
const pagesOf = Effect.fnUntraced(function* ({ profile, settings: { lease }, state }: Pass.Run) {
  const known = (yield* lease.count(ListEnd.always)) + (yield* lease.withoutStart).length
  return 2 + Math.max(known, state.wholeList?.rows ?? 0) / (0.8 * profile.pageSize)
})

const walk = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint,
  size: number
): Effect.fn.Return<WholeList.Walked | undefined, AgniError | LedgerError> {
  const pages = yield* pagesOf(run)
  let walked: WholeList.Walked | undefined
  for (let left = attempts; left > 0 && walked?.isWhole !== true; left--) {
    if (run.allowance.spare() < pages) {
      run.allowance.putOff("audits")
      return walked
    }
    walked = yield* endpoint.whole(size)
  }
  return walked
})

const read = { why: "missing", items: [], rejected: [], uncounted: [] } as const

/** Notes which calls are absent, and which are no longer. */
const noteAbsent = Effect.fnUntraced(function* (
  run: Pass.Run,
  { keys, unread }: WholeList.Walked
): Effect.fn.Return<void, LedgerError> {
  const { lease } = run.settings
  yield* Stream.runForEachArray(lease.all, (entries) => {
    const held = entries.filter(({ gone }) => gone === undefined)
    const lacks = held.filter(({ id }) => !keys.has(id))
    const back = held.filter((entry) => isAbsent(entry) && keys.has(entry.id))
    const shown = back.map((entry): Entry => ({ ...entry, doubted: undefined }))
    return Effect.andThen(
      lacks.length === 0 ? Effect.void : Pass.note(run, { ...read, requests: 0, expected: lacks, unread }),
      shown.length === 0 ? Effect.void : SyncState.note(lease, run.state, run.head, shown)
    )
  })
})

export const looks = (run: Pass.Run, endpoint: Endpoint): Looks =>
  Stream.fromIterableEffect(
    Effect.gen(function* () {
      if (run.isFirst) return []
      const { audits } = run.settings
      const every = Math.min(day, ...audits)
      const since = run.began - (run.state.wholeList?.at ?? -Infinity)
      const suspects = yield* Missing.suspects(run)
      if (since < (suspects.length > 0 ? Decide.doubtFor : every)) return []
      const before = endpoint.requests()
      const { pageSize } = run.profile
      // Pages that end elsewhere: what is wrong with one of them is not wrong twice.
      const walked = yield* walk(run, endpoint, suspects.length > 0 ? Math.max(1, pageSize - 1) : pageSize)
      if (walked === undefined) return []
      const { isWhole, keys } = walked
      const at = isWhole ? run.began : run.began - Math.max(0, every - hour)
      run.state = { ...run.state, wholeList: { at, rows: keys.size } }
      if (isWhole) yield* noteAbsent(run, walked)
      const look = yield* Pass.note(run, { ...read, requests: endpoint.requests() - before })
      if (!isWhole) return [look]
      return [look, ...(yield* Missing.remove(run, suspects))]
    })
  )
