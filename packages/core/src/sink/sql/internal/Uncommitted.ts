/** Rows that are not committed yet. All of them stay in memory until then, because those of a lost transaction are sent again. */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Version } from "../../../model/Version.ts"
import * as SqlFailure from "../../../platform/SqlFailure.ts"
import type { Compared, Refused } from "../../SessionSink.ts"
import * as Comparing from "./Comparing.ts"
import { collect, type Dialect, type Layout, type Row, type Rows, statement, type Upsert } from "./Dialect.ts"
import type { Transaction } from "./Transaction.ts"

type Writing = Pick<Dialect, "eager" | "upserts" | "wrote">

export interface Uncommitted {
  readonly dialect: Writing
  readonly transaction: Transaction
  /** Sent again if their transaction is lost. */
  pending: Array<Comparing.Pending>
  weight: number
  /** How many of them the open transaction has, and what it did not simply write. */
  sent: number
  compared: Compared
  committed: Compared
}

/** Rows of one batch, and how to write all of them. */
export interface Given {
  readonly layout: Layout
  readonly rows: Rows
  readonly upserts: ReadonlyArray<Upsert>
  readonly highestCredible: Version | undefined
}

export const make = (dialect: Writing, transaction: Transaction): Uncommitted => ({
  dialect,
  transaction,
  pending: [],
  weight: 0,
  sent: 0,
  compared: Comparing.nothing,
  committed: Comparing.nothing
})

const begin = (self: Uncommitted): void => {
  self.sent = 0
  self.compared = Comparing.nothing
}

export const rollback = (self: Uncommitted): Effect.Effect<void> =>
  Effect.suspend(() => {
    begin(self)
    return self.transaction.rollback
  })

/** In an open transaction, that has all that is pending. */
export const send = Effect.fnUntraced(function* (self: Uncommitted): Effect.fn.Return<void, SqlError> {
  const { transaction } = self
  if (!transaction.isOpen()) {
    begin(self)
    yield* transaction.begin
  }
  for (let next = self.pending[self.sent]; next !== undefined; next = self.pending[self.sent]) {
    yield* run(self, [next])
    self.sent++
  }
})

export const commit = (self: Uncommitted): Effect.Effect<void, SqlError> =>
  Effect.map(self.transaction.commit, () => {
    self.committed = Comparing.plus(self.committed, self.compared)
    self.pending = []
    self.weight = 0
    begin(self)
  })

/** Takes rows, which reach the database at once where the dialect is eager: then returns the rows that it rejects. */
export const put = Effect.fnUntraced(function* (
  self: Uncommitted,
  given: Given
): Effect.fn.Return<ReadonlyArray<Refused>, SqlError> {
  const pending = pendingOf(given.upserts, given)
  if (!self.dialect.eager) {
    add(self, pending)
    return []
  }
  const refused = yield* putNow(self, given, pending)
  self.sent = self.pending.length
  return refused
})

/** Takes back what came since there were so many pending. */
export const takeBack = (self: Uncommitted, count: number): void => {
  for (const one of self.pending.splice(count)) self.weight -= one.statement.weight
}

/** Takes what is written with the next rows, or at the next flush. */
export const add = (self: Uncommitted, more: ReadonlyArray<Comparing.Pending>): void => {
  for (const one of more) {
    self.pending.push(one)
    self.weight += one.statement.weight
  }
}

const pendingOf = (
  upserts: ReadonlyArray<Upsert>,
  { highestCredible }: Pick<Given, "highestCredible">
): ReadonlyArray<Comparing.Pending> => upserts.map((upsert) => ({ ...upsert, highestCredible }))

const run = (self: Uncommitted, all: ReadonlyArray<Comparing.Pending>): Effect.Effect<void, SqlError> =>
  Effect.map(Comparing.run(self.dialect, self.transaction, all), (compared) => {
    self.compared = Comparing.plus(self.compared, compared)
  })

const putNow = Effect.fnUntraced(function* (
  self: Uncommitted,
  given: Given,
  pending: ReadonlyArray<Comparing.Pending>
): Effect.fn.Return<ReadonlyArray<Refused>, SqlError> {
  yield* send(self)
  const done = yield* Effect.result(run(self, pending))
  if (done._tag === "Success") {
    add(self, pending)
    return []
  }
  if (SqlFailure.of(done.failure)._tag !== "Row") return yield* done.failure
  // The server has given up the whole transaction.
  yield* rollback(self)
  yield* send(self)
  const sifted = yield* sift(self, { ...given, rows: collect(given.rows) })
  add(self, sifted.pending)
  return sifted.refused
})

interface Sifting extends Pick<Given, "highestCredible" | "layout"> {
  readonly rows: ReadonlyArray<Row>
}

interface Sifted {
  readonly pending: ReadonlyArray<Comparing.Pending>
  readonly refused: ReadonlyArray<Refused>
}

/** Writes each half separately, until each rejected row is alone. */
const sift = (self: Uncommitted, given: Sifting): Effect.Effect<Sifted, SqlError> =>
  Effect.gen(function* () {
    const { dialect, transaction } = self
    const { layout, rows } = given
    const pending = pendingOf(dialect.upserts(layout, rows).upserts, given)
    yield* transaction.run(statement("SAVEPOINT callstream"))
    const done = yield* Effect.result(run(self, pending))
    if (done._tag === "Success") {
      yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
      return { pending, refused: [] }
    }
    const failed = SqlFailure.of(done.failure)
    if (failed._tag !== "Row") return yield* done.failure
    const reason = SqlFailure.describe(failed)
    yield* transaction.run(statement("ROLLBACK TO SAVEPOINT callstream"))
    yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
    const [first] = rows
    if (rows.length <= 1) return { pending: [], refused: first === undefined ? [] : [{ id: first.id, reason }] }
    const middle = rows.length >> 1
    const left = yield* sift(self, { ...given, rows: rows.slice(0, middle) })
    const right = yield* sift(self, { ...given, rows: rows.slice(middle) })
    return { pending: [...left.pending, ...right.pending], refused: [...left.refused, ...right.refused] }
  })
