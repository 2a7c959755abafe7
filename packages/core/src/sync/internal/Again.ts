/** Ranges that somebody asked for: each call in them is read and delivered again, whatever is known of it. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import * as Version from "../../model/Version.ts"
import { type Entry, isIn, risen, type Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Change, Look } from "../Sync.ts"
import * as ListEnd from "./ListEnd.ts"
import * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

const rangesOf = (run: Pass.Run) => run.state.again ?? []

const note = (run: Pass.Run, entries: ReadonlyArray<Entry>) =>
  SyncState.note(run.settings.lease, run.state, run.head, entries)

/** From now on each call of the range is a change when it is read, so that a kill forgets none. */
const owe = (run: Pass.Run, range: Span): Effect.Effect<void, LedgerError> => {
  const isMeant = (entry: Entry) => entry.gone === undefined && !entry.owed && isIn(entry, range)
  return Stream.runForEachArray(run.settings.lease.all, (found) => {
    const owed = found.filter(isMeant).map((entry) => ({ ...entry, owed: true }))
    return owed.length === 0 ? Effect.void : note(run, owed)
  })
}

/** Takes what was asked for into the state, as far as it is in the range of the sync. */
export const take = Effect.fnUntraced(function* (run: Pass.Run): Effect.fn.Return<void, LedgerError> {
  const { from: begin, lease } = run.settings
  for (const { from, id, to } of yield* lease.asked) {
    // What started since this pass began is new.
    const range = { from: Math.max(from, begin), to: Math.min(to, run.began) }
    if (range.from < range.to) {
      yield* owe(run, range)
      run.state = { ...run.state, again: [...rangesOf(run), range] }
      yield* note(run, [])
    }
    yield* lease.taken(id)
  }
})

/** Consumers may show a call that is gone, and no reading would bring it. */
const goneAgain = Effect.fnUntraced(function* (run: Pass.Run, range: Span): Effect.fn.Return<Look, LedgerError> {
  const { lease } = run.settings
  const changes: Array<Change> = []
  const entries = (yield* lease.gone(range)).map((known) => {
    const { gone: kind = "removed", id, sequence } = risen(Version.of(0))(known)
    const commit = ++run.head
    const change = { kind, id, facets: [], milestones: [], sequence, previous: null, session: undefined }
    changes.push({ ...change, commit: { ledger: lease.id, commit }, replaces: undefined })
    return { ...known, sequence, changed: commit }
  })
  const clock = Math.max(run.state.clock ?? 0, ...changes.map(({ sequence }) => sequence))
  const again = rangesOf(run).filter(({ from, to }) => from !== range.from || to !== range.to)
  run.state = { ...run.state, again, ...(clock === 0 ? {} : { clock: Version.of(clock) }) }
  yield* note(run, entries)
  return { why: "again", changes, rejected: [], requests: 0, watermark: Instant.of(run.state.watermark) }
})

/** Reads each range to its proof, as an export does. */
export const looks = (run: Pass.Run): Looks =>
  Stream.fromIterable(rangesOf(run)).pipe(
    Stream.flatMap((range) =>
      Stream.concat(
        // At the end of the list, calls that are owed are looked for with others.
        Pass.prove(run, "again", range, { withoutStart: ListEnd.works(run) ? "skip" : "include" }),
        Stream.fromEffect(goneAgain(run, range))
      )
    )
  )
