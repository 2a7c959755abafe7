import { of as versionOf } from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"
import type { Connection } from "effect/sql/SqlConnection"
import { collect, type Dialect, type Layout, type Row } from "../../../src/sink/sql/internal/Dialect.ts"
import type { Transaction } from "../../../src/sink/sql/internal/Transaction.ts"
import * as Uncommitted from "../../../src/sink/sql/internal/Uncommitted.ts"

const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("lost") }) })
const rejected = new SqlError({ reason: new UnknownError({ cause: { code: "23514", severity: "ERROR" } }) })

const layout: Layout = {
  table: "calls",
  cells: [],
  hasExtra: false,
  key: "id",
  keyCell: undefined,
  version: "observed_at"
}
const rowsOf = (ids: ReadonlyArray<string>): ReadonlyArray<Row> =>
  ids.map((id) => ({ id, version: versionOf(1), cells: [] }))

/** A table that rejects ids with an `x`: a failure makes the transaction useless up to its savepoint. */
const database = (eager: boolean) => {
  const state = {
    table: new Set<string>(),
    open: undefined as ReadonlyArray<string> | undefined,
    savepoints: [] as Array<ReadonlyArray<string>>,
    isBroken: false,
    isLost: false
  }
  const close = () => {
    state.open = undefined
    state.savepoints = []
    state.isBroken = false
    state.isLost = false
  }
  const asked = <A>(run: () => A): Effect.Effect<A, SqlError> =>
    Effect.suspend(() => {
      if (state.open === undefined) return Effect.die("no transaction is open")
      return state.isLost ? Effect.fail(lost) : Effect.sync(run)
    })
  const words: Readonly<Record<string, () => void>> = {
    "SAVEPOINT callstream": () => state.savepoints.push(state.open ?? []),
    "RELEASE SAVEPOINT callstream": () => state.savepoints.pop(),
    "ROLLBACK TO SAVEPOINT callstream": () => {
      state.open = state.savepoints.at(-1)
      state.isBroken = false
    }
  }
  const connection = {} as Connection
  const transaction: Transaction = {
    isOpen: () => state.open !== undefined,
    begin: Effect.sync(() => {
      state.open ??= []
    }),
    use: (ask) =>
      Effect.flatMap(
        asked(() => connection),
        ask
      ),
    run: ({ sql }) => asked(() => words[sql]?.()),
    commit: Effect.suspend(() => {
      if (state.isLost || state.isBroken) return Effect.fail(lost)
      for (const id of state.open ?? []) state.table.add(id)
      return Effect.sync(close)
    }),
    rollback: Effect.sync(close)
  }
  const dialect: Pick<Dialect, "eager" | "upserts" | "wrote"> = {
    eager,
    upserts: (_, rows) => {
      const ids = collect(rows).map(({ id }) => id)
      const statement = { sql: JSON.stringify(ids), params: [], weight: ids.length }
      return { upserts: [{ statement, rows: ids.length, above: () => statement }], unsayable: [] }
    },
    wrote: (_, { sql }) =>
      Effect.suspend(() => {
        const ids: ReadonlyArray<string> = JSON.parse(sql)
        if (state.isBroken) return Effect.fail(lost)
        if (ids.some((id) => id.includes("x"))) {
          state.isBroken = true
          return Effect.fail(rejected)
        }
        state.open = [...(state.open ?? []), ...ids]
        return Effect.succeed(ids.length)
      })
  }
  return { state, rows: Uncommitted.make(dialect, transaction), dialect }
}

const put = ({ dialect, rows }: ReturnType<typeof database>, ids: ReadonlyArray<string>) => {
  const given = rowsOf(ids)
  const { upserts } = dialect.upserts(layout, given)
  return Uncommitted.put(rows, { layout, rows: given, upserts, highestCredible: undefined })
}

describe("Uncommitted", () => {
  it.effect("each rejected row is found, and the others stay in the transaction", () =>
    Effect.gen(function* () {
      const found = database(true)
      assert.deepStrictEqual(yield* put(found, ["a", "b"]), [])
      const refused = yield* put(found, ["c", "x1", "d", "e", "x2"])
      assert.deepStrictEqual(
        refused.map(({ id }) => id),
        ["x1", "x2"]
      )
      yield* Uncommitted.commit(found.rows)
      assert.deepStrictEqual([...found.state.table].sort(), ["a", "b", "c", "d", "e"])
      assert.deepStrictEqual([found.rows.pending.length, found.rows.weight, found.rows.sent], [0, 0, 0])
    })
  )

  it.effect("rows of a lost transaction are sent again by the next one", () =>
    Effect.gen(function* () {
      const found = database(true)
      yield* put(found, ["a"])
      found.state.isLost = true
      assert.strictEqual(yield* Effect.flip(put(found, ["b"])), lost)
      yield* Uncommitted.rollback(found.rows)
      yield* put(found, ["b"])
      yield* Uncommitted.send(found.rows)
      yield* Uncommitted.commit(found.rows)
      assert.deepStrictEqual([...found.state.table].sort(), ["a", "b"])
    })
  )

  it.effect("where rows wait in memory, nothing is sent before it is asked for, and can be taken back", () =>
    Effect.gen(function* () {
      const found = database(false)
      yield* put(found, ["a"])
      yield* put(found, ["b", "c"])
      assert.isUndefined(found.state.open)
      assert.strictEqual(found.rows.weight, 3)
      Uncommitted.takeBack(found.rows, 1)
      assert.strictEqual(found.rows.weight, 1)
      yield* Uncommitted.send(found.rows)
      yield* Uncommitted.commit(found.rows)
      assert.deepStrictEqual([...found.state.table], ["a"])
    })
  )

  it.effect.each([1, 2, 3])(
    "whatever is rejected and lost, all other rows are there after a commit (seed %i)",
    (seed) =>
      Effect.gen(function* () {
        const found = database(true)
        const expected = new Set<string>()
        for (let nth = 0; nth < 200; nth++) {
          const ids: Array<string> = []
          for (let at = yield* Random.nextIntBetween(1, 9); at > 0; at--) {
            const isRejected = (yield* Random.next) < 0.2
            ids.push(`${isRejected ? "x" : "a"}${nth}-${at}`)
          }
          found.state.isLost = (yield* Random.next) < 0.1 && found.state.open !== undefined
          const refused = yield* Effect.retry(
            Effect.onError(put(found, ids), () => Uncommitted.rollback(found.rows)),
            { times: 1 }
          )
          assert.deepStrictEqual(
            refused.map(({ id }) => id),
            ids.filter((id) => id.includes("x"))
          )
          for (const id of ids) if (!id.includes("x")) expected.add(id)
          if ((yield* Random.next) < 0.7) continue
          yield* Uncommitted.send(found.rows)
          yield* Uncommitted.commit(found.rows)
          assert.deepStrictEqual(found.state.table, expected)
        }
      }).pipe(Random.withSeed(seed))
  )
})
