/** Writes rejected rows to the dead letters, and ends a run in which too many are rejected. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Column from "../../model/Column.ts"
import { of } from "../../model/Position.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import type { Batch } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import { type DeadLetter, seal } from "../DeadLetter.ts"
import { TooManyDeadLetters } from "../TooManyDeadLetters.ts"
import * as RunState from "./RunState.ts"
import type { SinkHandle } from "./SinkHandle.ts"

/** The version of rows without one, and the limit for versions of rows. */
export type Versions = Pick<Batch<unknown>, "observedAt" | "highestCredible">

export interface Options<E, R> {
  readonly run: Ref.Ref<RunState.RunState>
  readonly letters: SinkHandle<DeadLetter>
  readonly maxDeadShare: number
  /** Called with each batch of dead letters. */
  readonly onRejected: ((rows: ReadonlyArray<RejectedRow>) => Effect.Effect<void, E, R>) | undefined
}

/** With fewer records the share of rejected ones means nothing. */
const enough = 100

/** @param records How many records they are of. */
export const write = Effect.fnUntraced(function* <E, R>(
  { letters, onRejected, run }: Options<E, R>,
  found: ReadonlyArray<RejectedRow>,
  records: number,
  versions: Versions
) {
  const sealed = yield* seal(found)
  const refused = yield* letters.write({
    items: sealed.map((row) => ({ id: row.letter, start: undefined, row })),
    columns,
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
  if (onRejected !== undefined) yield* onRejected(found)
})

/** Also after a window without rejected rows: there may have been too few before. */
export const refuseTooMany = Effect.fnUntraced(function* <E, R>({ letters, maxDeadShare, run }: Options<E, R>) {
  const { lost, reasons, received } = yield* Ref.get(run)
  if (received < enough || lost <= maxDeadShare * received) return
  // The letters explain the failure, and nothing else flushes them later.
  yield* Effect.ignore(letters.flush(letters.at() ?? of(0)))
  const [most] = [...reasons.values()].sort((left, right) => right.letters - left.letters)
  if (most !== undefined) return yield* new TooManyDeadLetters({ dead: lost, of: received, most })
})

const types: { readonly [K in keyof DeadLetter]: Column.Type } = {
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

const columns = Object.entries(types).map(([name, type]): Column.Column => ({ name, type }))
