/** Passes one unit through the transform and to all sinks in parallel, and rejected rows to the dead letters. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as Column from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import type { VersionClock } from "../../client/VersionClock.ts"
import type * as Position from "../../model/Position.ts"
import * as Rows from "../../model/Rows.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Version from "../../model/Version.ts"
import { type Batch, type Item, type Refused, versionOf } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { Unit } from "../../source/Source.ts"
import * as Transform from "../../transform/TransformContract.ts"
import type { OrClose } from "./Commit.ts"
import * as Letters from "./Letters.ts"
import * as LetterWriter from "./LetterWriter.ts"
import * as PatientStop from "./PatientStop.ts"
import * as RunState from "./RunState.ts"
import { type SinkHandle, takesAgain } from "./SinkHandle.ts"

/** Rows that are transformed and written at a time: the objects of a whole window would live too long for the garbage collector. */
const together = 500

interface Options<A, E, R, ET, RT> extends LetterWriter.Options<E, R> {
  readonly transform: Transform.Transform<CallSession, A, ET, RT>
  readonly sinks: ReadonlyArray<SinkHandle<A>>
  readonly clock: VersionClock
  readonly rawLetters: boolean
  readonly orClose: OrClose<A>
  /** Each sink has all before this. */
  readonly least: Position.Cursor | undefined
}

export const make = <A, E, R, ET, RT>(options: Options<A, E, R, ET, RT>) => {
  const { run, transform } = options
  const columns = transform.columns(Column.ofSession)
  const apply = Transform.toItems(transform)
  const kept = Letters.make(transform.redaction, options.rawLetters)

  const deliver = Effect.fnUntraced(function* (
    unit: Unit,
    given: ReadonlyArray<Item<CallSession>>,
    rejected: ReadonlyArray<Rejected>,
    versions: LetterWriter.Versions
  ) {
    const failed = rejected.map(kept.ofRecord)
    const { items, passed } = yield* apply(given, (item, cause) => {
      const observedAt = versionOf(versions, item)
      failed.push(kept.ofRecord({ stage: transform.label, reason: nameOf(cause), raw: item.row, observedAt }))
    })
    const filtered = given.length - passed.length - (failed.length - rejected.length)
    yield* Ref.update(run, RunState.received({ filtered, received: given.length + rejected.length }))
    const refused = yield* writeAll(options, unit, { items, columns, ...versions })
    // An earlier run has already written these letters.
    const fresh = !takesAgain(options.letters) && has(options.letters.at(), unit) ? [] : failed
    const rows = refused.length === 0 ? [] : lettersOf(kept, refused, { items, passed, versions })
    if (fresh.length > 0 || rows.length > 0) {
      const records = fresh.length + new Set(refused.map(({ id }) => id)).size
      yield* LetterWriter.write(options, [...fresh, ...rows], records, versions)
    }
    return passed
  })

  /** @param beforeRows Run before rows reach a sink. */
  const through = Effect.fnUntraced(function* (
    unit: Unit,
    beforeRows: Effect.Effect<void, SinkError | CheckpointError>
  ) {
    const all = Rows.items(unit.rows)
    const versions = yield* versionsOf(options.clock, Rows.observed(unit.rows), all)
    yield* beforeRows
    const passed: Array<Item<CallSession>> = []
    let { rejected } = unit
    for (let at = 0; at === 0 || at < all.length; at += together) {
      const part = all.length <= together ? all : all.slice(at, at + together)
      for (const item of yield* deliver(unit, part, rejected, versions)) passed.push(item)
      rejected = []
    }
    yield* LetterWriter.refuseTooMany(options)
    return passed
  })

  return { through }
}

const versionsOf = Effect.fnUntraced(function* (
  clock: VersionClock,
  observedAt: Instant.Instant,
  all: ReadonlyArray<Item<unknown>>
): Effect.fn.Return<LetterWriter.Versions> {
  const complete = all.every(({ version }) => version !== undefined)
  const version = complete ? Version.of(observedAt) : yield* clock.observe(observedAt)
  return { observedAt: version, highestCredible: Version.highestCredible(clock.state(), yield* Instant.now) }
})

interface RefusedBy extends Refused {
  readonly sink: string
}

/** Each sink gets those of the rows that it lacks; returns what they reject. */
const writeAll = <A>(
  { least, orClose, sinks }: Pick<Options<A, never, never, never, never>, "least" | "orClose" | "sinks">,
  unit: Unit,
  batch: Batch<A>
): Effect.Effect<ReadonlyArray<RefusedBy>, SinkError> => {
  const open = sinks.filter((sink) => sink.state().failure === undefined && (takesAgain(sink) || !has(sink.at(), unit)))
  return Effect.map(
    Effect.forEach(
      open,
      (sink) => {
        // Even without rows: a batch gives a sink its columns.
        const own = takesAgain(sink) ? batch : { ...batch, items: missing(batch.items, unit, sink, least) }
        return Effect.map(orClose<ReadonlyArray<Refused>>(sink, write(sink, own), []), (rows) =>
          rows.map((row): RefusedBy => ({ ...row, sink: sink.name }))
        )
      },
      { concurrency: "unbounded" }
    ),
    (refused) => refused.flat()
  )
}

/** A stop waits for the rows in flight, so that it is known which ones the sink has. */
const write = <A>(sink: SinkHandle<A>, batch: Batch<A>): Effect.Effect<ReadonlyArray<Refused>, SinkError> =>
  PatientStop.toItsEnd(sink.write(batch))

/** The letters for rows that sinks rejected. */
const lettersOf = (
  kept: Letters.Letters,
  refused: ReadonlyArray<RefusedBy>,
  of: {
    readonly items: ReadonlyArray<Item<unknown>>
    readonly passed: ReadonlyArray<Item<CallSession>>
    readonly versions: LetterWriter.Versions
  }
): ReadonlyArray<RejectedRow> => {
  const records = new Map(of.passed.map((item) => [item.id, item] as const))
  const made = new Map(of.items.map((item) => [item.id, item] as const))
  return refused.map(({ id, reason, sink }) => {
    const item = records.get(id)
    const observedAt = item === undefined ? of.versions.observedAt : versionOf(of.versions, item)
    const row = made.get(id)?.row ?? { id }
    return kept.ofRow({ id, sink, reason, record: item?.row ?? { id }, row, observedAt })
  })
}

/** Whether a sink at this position has the whole unit. Rows without a position are committed only at the end. */
const has = (at: Position.Cursor | undefined, unit: Unit): boolean => {
  if (at === "end") return true
  const to = unit._tag === "WithoutStart" ? undefined : unit.to
  return at !== undefined && to !== undefined && at >= to
}

/** The rows of a unit that a sink lacks. The positions of pages may differ from starts. */
const missing = <A>(
  items: ReadonlyArray<Item<A>>,
  unit: Unit,
  { at: reached, began }: Pick<SinkHandle<A>, "at" | "began">,
  least: Position.Cursor | undefined
): ReadonlyArray<Item<A>> => {
  const isLate = unit._tag === "WithoutStart" && unit.late === true
  // Of what this run delivered none comes again, nor of what lies before all sinks: only one that was ahead may have it.
  const at = isLate ? began() : reached()
  if (at === undefined || at === "end" || (unit._tag === "Page" && unit.to !== undefined)) return items
  if (unit._tag === "Window" && at <= unit.range.from) return items
  const before = isLate && least !== undefined && least !== "end" ? least : -Infinity
  return items.filter(({ start }) => start === undefined || start >= at || start < before)
}

/** A transform's message may hold a record's values, unless it is made for this. */
const nameOf = (cause: unknown): string =>
  cause instanceof Transform.TransformError
    ? cause.message
    : cause instanceof Error
      ? `the transform failed with ${cause.name}`
      : "the transform failed"
