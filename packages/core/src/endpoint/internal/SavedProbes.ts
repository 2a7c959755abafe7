/** What probes saw, as JSON: another process reads on with it, and need not probe again. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Instant } from "../../model/Instant.ts"
import * as EndpointProfile from "../EndpointProfile.ts"
import type * as Ask from "./Ask.ts"
import type * as Rows from "./ListedRows.ts"
import type { Seen } from "./Probes.ts"

const Row = Schema.Struct({ key: Schema.String, start: Schema.UndefinedOr(Instant) })
const Dated = Schema.Struct({ key: Schema.String, start: Instant })
const MaybeNumber = Schema.UndefinedOr(Schema.Number)

const counted = { after: Schema.Number, before: Schema.Number, rows: Schema.Number }
const Counts = Schema.ReadonlyMap(Schema.String, Schema.Struct(counted))
const Pages = Schema.ReadonlyMap(
  Schema.String,
  Schema.Struct({ ...counted, size: Schema.Number, length: Schema.Number, isFirst: Schema.Boolean })
)
const Starts = Schema.ReadonlyMap(Schema.String, Schema.Number)

/** Counts of bounds, and pages by their length. */
export const countFields = { counts: Counts, places: Counts, lengths: Pages, sure: Counts, failing: Counts }

/** What answers listed: with a creation time, placed by it, or with two starts. */
export const listedFields = {
  created: Starts,
  placed: Schema.optionalKey(Starts),
  moved: Schema.ReadonlySet(Schema.String)
}

/** The log of one reader. */
const Log = Schema.Struct({
  requests: Schema.Number,
  observedAt: MaybeNumber,
  slowest: Schema.optionalKey(MaybeNumber),
  latest: MaybeNumber,
  cached: Schema.Boolean,
  failed: Schema.Boolean,
  shown: Schema.ReadonlyMap(Schema.String, MaybeNumber),
  width: Schema.Number,
  refused: Schema.Number,
  ...countFields,
  ...listedFields
})

/** The probes, and what other answers showed before the reading began. */
export const SavedProbes = Schema.Struct({
  profile: EndpointProfile.EndpointProfile,
  serverNow: Schema.Number,
  oldest: MaybeNumber,
  isOldestSure: Schema.Boolean,
  isListCut: Schema.Boolean,
  pagesAtMost: Schema.Number,
  pages: Schema.Array(Schema.Struct({ page: Schema.Number, rows: Schema.Array(Row) })),
  sorted: Schema.Boolean,
  localNow: Schema.Number,
  about: Schema.Number,
  rate: Schema.Number,
  repeats: Schema.Boolean,
  controls: Schema.Array(Dated),
  ends: Schema.Struct({ newest: Schema.Boolean, oldest: Schema.Boolean }),
  oldRows: Schema.Array(Dated),
  log: Log,
  others: Schema.Array(Log),
  trusted: Schema.Boolean,
  charactersPerPage: Schema.Number
})

export type SavedProbes = typeof SavedProbes.Type

/** A record without an id is known by what it says, which may be personal: it is not saved. */
export const hasId = (key: string): boolean => !key.startsWith("=")

export const withIds = <A>(entries: Iterable<readonly [string, A]>): ReadonlyMap<string, A> =>
  new Map([...entries].filter(([key]) => hasId(key)))

const rowOf = <Start>({ key, start }: { readonly key: string; readonly start: Start }) => ({ key, start })

/** A row that counts, whatever its key is. */
const placeOf = <Start>({ key, start }: { readonly key: string; readonly start: Start }) => ({
  key: hasId(key) ? key : "=",
  start
})

// The profile says whether the server rounds sizes, and another process looks for itself which rows left.
const saveLog = ({ created, gone: _gone, moved, placed, rounds: _, shown, ...rest }: Ask.Log): typeof Log.Type => ({
  ...rest,
  shown: withIds(shown),
  created: withIds(created),
  placed: withIds(placed),
  moved: new Set([...moved].filter(hasId))
})

/** @param others Logs of answers that came since. */
export const save = ({ log, repeats, ...seen }: Seen, others: Iterable<Ask.Log>) =>
  Effect.map(repeats, (repeats): SavedProbes => ({
    ...seen,
    repeats,
    pages: seen.pages.map(({ page, rows }) => ({ page, rows: rows.map(placeOf) })),
    controls: seen.controls.filter(({ key }) => hasId(key)).map(rowOf),
    // Without the row at an end nothing is known of that end.
    ends: {
      newest: seen.ends.newest && hasId(seen.controls.at(-1)?.key ?? ""),
      oldest: seen.ends.oldest && hasId(seen.controls[0]?.key ?? "")
    },
    oldRows: seen.oldRows.map(placeOf),
    log: saveLog(log),
    others: [...others].map(saveLog)
  }))

const restoreRow = <Start>({ key, start }: { readonly key: string; readonly start: Start }) => ({
  key,
  start,
  item: undefined,
  rejected: undefined
})

const restoreLog = (saved: typeof Log.Type): Ask.Log => ({
  ...saved,
  rounds: false,
  slowest: saved.slowest ?? saved.observedAt,
  shown: new Map(saved.shown),
  created: new Map(saved.created),
  placed: new Map(saved.placed),
  moved: new Set(saved.moved),
  counts: new Map(saved.counts),
  places: new Map(saved.places),
  lengths: new Map(saved.lengths),
  sure: new Map(saved.sure),
  failing: new Map(saved.failing),
  gone: new Map()
})

export interface Restored {
  readonly seen: Seen
  readonly others: ReadonlyArray<Ask.Log>
}

export const restore = ({ log, others, repeats, ...saved }: SavedProbes): Restored => ({
  seen: {
    ...saved,
    // Its stretches were cut by pages.
    measured: false,
    repeats: Effect.succeed(repeats),
    pages: saved.pages.map(({ page, rows }) => ({ page, rows: rows.map((row): Rows.Row => restoreRow(row)) })),
    controls: saved.controls.map((row): Rows.Dated => restoreRow(row)),
    oldRows: saved.oldRows.map((row): Rows.Dated => restoreRow(row)),
    log: restoreLog(log)
  },
  others: others.map(restoreLog)
})
