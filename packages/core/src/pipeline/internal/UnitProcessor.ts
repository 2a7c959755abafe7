/** Passes one unit through the transform and to all sinks in parallel, and rejected rows to the dead letters. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as Column from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import type { VersionClock } from "../../client/VersionClock.ts"
import type * as Position from "../../model/Position.ts"
import { of } from "../../model/Position.ts"
import * as Rows from "../../model/Rows.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Version from "../../model/Version.ts"
import { type Batch, type Item, type Refused, versionOf } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import type { Unit } from "../../source/Source.ts"
import * as Transform from "../../transform/TransformContract.ts"
import { type DeadLetter, seal } from "../DeadLetter.ts"
import { TooManyDeadLetters } from "../TooManyDeadLetters.ts"
import type { OrClose } from "./Commit.ts"
import * as Letters from "./Letters.ts"
import * as RunState from "./RunState.ts"
import type { SinkHandle } from "./SinkHandle.ts"

/** With fewer records the share of rejected ones means nothing. */
const enough = 100

/** Rows that are transformed and written at a time: the objects of a whole window would live too long for the garbage collector. */
const together = 500

export const make = <A, E, R, ET, RT>(options: {
  readonly transform: Transform.Transform<CallSession, A, ET, RT>
  readonly run: Ref.Ref<RunState.RunState>
  readonly sinks: ReadonlyArray<SinkHandle<A>>
  readonly letters: SinkHandle<DeadLetter>
  readonly clock: VersionClock
  readonly maxDeadShare: number
  readonly rawLetters: boolean
  /** Called with each batch of dead letters. */
  readonly onRejected: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E, R>) | undefined
}) => {
  const { clock, letters, maxDeadShare, run, sinks, transform } = options
  const columns = transform.columns(Column.ofSession)
  const apply = Transform.toItems(transform)
  const kept = Letters.make(transform.redaction, options.rawLetters)
  /** The limit for versions of rows, and the version of rows without one. */
  const versionsOf = Effect.fnUntraced(function* (observedAt: Instant.Instant, all: ReadonlyArray<Item<unknown>>) {
    const complete = all.every(({ version }) => version !== undefined)
    const version = complete ? Version.of(observedAt) : yield* clock.observe(observedAt)
    return { observedAt: version, highestCredible: Version.highestCredible(clock.state(), yield* Instant.now) }
  })

  const putAside = Effect.fnUntraced(function* (
    found: ReadonlyArray<RejectedRow>,
    records: number,
    versions: Versions
  ) {
    const sealed = yield* seal(found)
    const refused = yield* letters.write({
      items: sealed.map((row) => ({ id: row.letter, start: undefined, row })),
      columns: letterColumns,
      ...versions
    })
    const [first] = refused
    if (first !== undefined) {
      return yield* new SinkError({
        sink: letters.name,
        operation: "write",
        retryable: false,
        reason: { _tag: "LettersRefused", count: refused.length, of: sealed.length, reason: first.reason }
      })
    }
    yield* Ref.update(run, RunState.lost(found, records))
    if (options.onRejected !== undefined) yield* options.onRejected(found)
  })

  /** Also after a window without rejected rows: there may have been too few before. */
  const refuseTooMany = Effect.fnUntraced(function* () {
    const { lost, reasons, received } = yield* Ref.get(run)
    if (received >= enough && lost > maxDeadShare * received) {
      // The letters explain the failure, and nothing else flushes them later.
      yield* Effect.ignore(letters.flush(letters.at() ?? of(0)))
      const [most] = [...reasons.values()].sort((left, right) => right.letters - left.letters)
      if (most !== undefined) return yield* new TooManyDeadLetters({ dead: lost, of: received, most })
    }
  })

  const deliver = Effect.fnUntraced(function* (
    unit: Unit,
    given: ReadonlyArray<Item<CallSession>>,
    rejected: ReadonlyArray<Rejected>,
    versions: Versions,
    orClose: OrClose<A>
  ) {
    const failed = rejected.map(kept.ofRecord)
    const { items, passed } = yield* apply(given, (item, cause) => {
      const observedAt = versionOf(versions, item)
      failed.push(kept.ofRecord({ stage: transform.label, reason: nameOf(cause), raw: item.row, observedAt }))
    })
    const filtered = given.length - passed.length - (failed.length - rejected.length)
    yield* Ref.update(run, RunState.received({ filtered, received: given.length + rejected.length }))

    const open = sinks.filter((sink) => sink.state().failure === undefined && !has(sink.at(), unit))
    const refused = yield* Effect.forEach(
      open,
      (sink) => {
        // Even without rows: a batch gives a sink its columns.
        const batch: Batch<A> = { items: missing(items, unit, sink.at()), columns, ...versions }
        return Effect.map(orClose<ReadonlyArray<Refused>>(sink, sink.write(batch), []), (rows) =>
          rows.map((row) => ({ ...row, sink: sink.name }))
        )
      },
      { concurrency: "unbounded" }
    )
    // An earlier run has already written these letters.
    const fresh = has(letters.at(), unit) ? [] : failed
    const rows = refused.flat()
    if (fresh.length > 0 || rows.length > 0) {
      const records = new Map(rows.length === 0 ? [] : passed.map((item) => [item.id, item] as const))
      const made = new Map(rows.length === 0 ? [] : items.map((item) => [item.id, item] as const))
      const found = [
        ...fresh,
        ...rows.map(({ id, reason, sink }) => {
          const item = records.get(id)
          const observedAt = item === undefined ? versions.observedAt : versionOf(versions, item)
          const row = made.get(id)?.row ?? { id }
          return kept.ofRow({ id, sink, reason, record: item?.row ?? { id }, row, observedAt })
        })
      ]
      yield* putAside(found, fresh.length + new Set(rows.map(({ id }) => id)).size, versions)
    }
    return passed
  })

  const through = Effect.fnUntraced(function* (
    unit: Unit,
    orClose: OrClose<A>,
    beforeRows: Effect.Effect<void, CheckpointError>
  ) {
    const all = Rows.items(unit.rows)
    const versions = yield* versionsOf(Rows.observed(unit.rows), all)
    yield* beforeRows
    const passed: Array<Item<CallSession>> = []
    let { rejected } = unit
    for (let at = 0; at === 0 || at < all.length; at += together) {
      const part = all.length <= together ? all : all.slice(at, at + together)
      for (const item of yield* deliver(unit, part, rejected, versions, orClose)) passed.push(item)
      rejected = []
    }
    yield* refuseTooMany()
    return passed
  })

  return { through }
}

type Versions = Pick<Batch<unknown>, "observedAt" | "highestCredible">

const letterTypes: { readonly [K in keyof DeadLetter]: Column.Type } = {
  letter: "text",
  stage: "text",
  sink: "text",
  reason: "text",
  id: "text",
  record: "json",
  row: "json",
  redaction: "json",
  observedAt: "integer"
}

const letterColumns = Object.entries(letterTypes).map(([name, type]): Column.Column => ({ name, type }))

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
  at: Position.Cursor | undefined
): ReadonlyArray<Item<A>> => {
  if (at === undefined || at === "end" || (unit._tag === "Page" && unit.to !== undefined)) return items
  if (unit._tag === "Window" && at <= unit.range.from) return items
  return items.filter(({ start }) => start === undefined || start >= at)
}

/** A transform's message may hold a record's values, unless it is made for this. */
const nameOf = (cause: unknown): string =>
  cause instanceof Transform.TransformError
    ? cause.message
    : cause instanceof Error
      ? `the transform failed with ${cause.name}`
      : "the transform failed"
