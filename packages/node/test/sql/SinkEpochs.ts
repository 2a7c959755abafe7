/** Runs of different epochs that write to one table, of which the earlier ones may have been thought dead. */
import * as Position from "@callstream/core/model/Position"
import { type Fingerprint } from "@callstream/core/model/Fingerprint"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { SessionSink, Writer } from "@callstream/core/sink/SessionSink"
import type { SinkError } from "@callstream/core/sink/SinkError"
import type * as SqlSink from "@callstream/core/sink/SqlSink"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { random } from "../../../core/test/sync/SyncRandom.ts"
import { batch, observedAt, session } from "./SqlRows.ts"

export interface Database {
  readonly sink: (options: SqlSink.Options) => SessionSink<CallSession>
  /** What a statement finds. */
  readonly ask: (text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, unknown>
}

const fingerprint: Fingerprint = { range: "2026-07" }

/** Opens the sink as a run of this epoch does. */
export const open = (
  { sink }: Database,
  epoch: number,
  options: SqlSink.Options = {}
): Effect.Effect<Writer<CallSession>, SinkError, Scope.Scope> =>
  sink({ keepsOffset: true, ...options }).open({ pipeline: "nightly", fingerprint, from: Option.none(), epoch })

const idsIn = ({ ask }: Database) =>
  Effect.map(ask("SELECT id FROM call_sessions ORDER BY id"), (rows) => rows.map(({ id }) => String(id)))

const committed = ({ ask }: Database) =>
  Effect.map(ask("SELECT cursor, epoch FROM callstream_commits"), (rows) =>
    rows.map(({ cursor, epoch }) => [Number(cursor), Number(epoch)])
  )

const idOf = (at: number) => session(at).id

/** Not retried, because it will never be otherwise. */
export const assertFenced = (error: SinkError) => {
  assert.strictEqual(error.reason._tag, "Fenced", error.message)
  assert.isFalse(error.retryable)
  assert.strictEqual(error.message, "calls: another run took over")
}

/** A run writes and is frozen, the next one takes over: nothing of the first one's batch is ever in the table. */
export const assertTakenOver = (database: Database) =>
  Effect.scoped(
    Effect.gen(function* () {
      const first = yield* open(database, 7)
      yield* first.write(batch([session(0)]))
      yield* first.flush(Position.of(1))
      yield* first.write(batch([session(1), session(2)]))
      const early = yield* open(database, 7, { maxPending: 1 })
      const second = yield* open(database, 8)
      assert.deepStrictEqual(second.committed, Option.some({ at: Position.of(1), note: null }))
      assertFenced(yield* Effect.flip(early.write(batch([session(4)]))))
      yield* second.write(batch([session(3)]))
      yield* second.flush(Position.of(5))
      assertFenced(yield* Effect.flip(first.flush(Position.of(9))))
      assertFenced(yield* Effect.flip(first.flush("end")))
      assertFenced(yield* Effect.flip(open(database, 7)))
      assert.deepStrictEqual(yield* idsIn(database), [0, 3].map(idOf))
      assert.deepStrictEqual(yield* committed(database), [[5, 8]])
      yield* second.flush("end")
      assert.deepStrictEqual(yield* committed(database), [[Number.MAX_SAFE_INTEGER, 8]])
    })
  )

interface Holder {
  readonly writer: Writer<CallSession>
  readonly scope: Scope.Closeable
  readonly epoch: number
  /** Each of its writes is a commit. */
  readonly isEager: boolean
  readonly waiting: Array<number>
}

/** Opens, writes, flushes and ends in any order: a flush of the highest epoch that opened the table succeeds, no other one. */
export const assertInterleaved = Effect.fnUntraced(function* (database: Database, seed: number) {
  const source = random(seed)
  const holders: Array<Holder> = []
  const table = new Set<number>()
  let claimed = 0
  let fenced = 0
  let next = 0
  const where = () => `seed ${seed}, after ${next} rows`
  const begin = Effect.gen(function* () {
    const epoch = source.chance(0.7) ? claimed + 1 : Math.max(1, claimed - source.below(3))
    const isEager = source.chance(0.3)
    const scope = yield* Scope.make()
    const opened = yield* Effect.result(Scope.provide(open(database, epoch, isEager ? { maxPending: 1 } : {}), scope))
    if (epoch < claimed) {
      fenced++
      assert.isTrue(opened._tag === "Failure", where())
      if (opened._tag === "Failure") assertFenced(opened.failure)
      return yield* Scope.close(scope, Exit.void)
    }
    if (opened._tag === "Failure") return yield* opened.failure
    claimed = epoch
    holders.push({ writer: opened.success, scope, epoch, isEager, waiting: [] })
  })
  /** Whether it is all that the holder has that is in the table now. */
  const commits = Effect.fnUntraced(function* ({ epoch, waiting }: Holder, step: Effect.Effect<unknown, SinkError>) {
    const done = yield* Effect.result(step)
    assert.strictEqual(done._tag, epoch < claimed ? "Failure" : "Success", where())
    if (done._tag === "Success") for (const at of waiting.splice(0)) table.add(at)
    else {
      fenced++
      assertFenced(done.failure)
    }
  })
  const write = Effect.fnUntraced(function* (holder: Holder) {
    const rows = [next++, next++]
    const step = holder.writer.write(batch(rows.map((at) => session(at))))
    if (!holder.isEager) {
      yield* step
      holder.waiting.push(...rows)
      return
    }
    holder.waiting.push(...rows)
    yield* commits(holder, step)
    holder.waiting.length = 0
  })
  for (let step = 0; step < 24; step++) {
    const holder = holders[source.below(holders.length)]
    const what = source.below(10)
    if (holder === undefined || what < 2) yield* begin
    else if (what < 6) yield* write(holder)
    else if (what < 9) yield* commits(holder, holder.writer.flush(Position.of(observedAt + next)))
    else {
      holders.splice(holders.indexOf(holder), 1)
      yield* Scope.close(holder.scope, Exit.void)
    }
    if (table.size > 0) {
      assert.deepStrictEqual(yield* idsIn(database), [...table].sort((a, b) => a - b).map(idOf), where())
    }
  }
  for (const { scope } of holders) yield* Scope.close(scope, Exit.void)
  return fenced
})
