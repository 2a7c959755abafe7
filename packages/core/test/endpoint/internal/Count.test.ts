import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Count from "../../../src/endpoint/internal/Count.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Histories from "../../torture/Histories.ts"
import { askOf, began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const bounds = { after: began - 10 * hour, before: began }

const startsOf = (count: number, { next }: ReturnType<typeof Histories.random>) =>
  Array.from({ length: count }, () => began - second - Math.floor(next() * 9 * hour))

describe("Count.rows", () => {
  it.effect("is right whatever was expected, and whether or not the server repeats itself beyond the end", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 150; seed++) {
        const random = Histories.random(seed)
        const { next, pick } = random
        const rows = Math.floor(next() * 130)
        const beyond = pick("empty", "last", "first")
        const server = open(rowsAt(startsOf(rows, random)), { beyond })
        const ask = askOf(server)
        const expected = pick(1, rows, 3 * rows, 100_000, Infinity)
        const first = next() < 0.3 && beyond === "empty" ? (yield* ask(1, bounds)).rows : undefined
        const counted = yield* Count.rows(ask, bounds, {
          expected,
          size: 10,
          repeats: beyond !== "empty",
          even: next() < 0.5,
          first
        })
        assert.strictEqual(counted, rows, `seed ${seed}: ${beyond}, ${expected} expected`)
      }
    })
  )

  it.effect(
    "is right where a limit answers a deeper page with the last rows in front of it, as far as there are any",
    () =>
      Effect.gen(function* () {
        let parts = 0
        for (let seed = 1; seed <= 150; seed++) {
          const random = Histories.random(seed)
          const { next, pick } = random
          const most = pick(35, 47, 50, 78)
          // The limit moves no page of them.
          const rows = Math.ceil(next() * (most - (most % 10)))
          const offset = { most, cut: pick("last", "first") } as const
          const server = open(rowsAt(startsOf(rows, random)), { offset })
          const expected = pick(1, rows, 3 * rows, 100_000, Infinity)
          const counted = yield* Count.rows(askOf(server), bounds, { expected, size: 10, repeats: true })
          assert.strictEqual(counted, rows, `seed ${seed}: ${JSON.stringify(offset)}, ${expected} expected`)
          if (offset.cut === "last" && rows > most - 10) parts++
        }
        assert.isAtLeast(parts, 10)
      })
  )

  it.effect("takes one request where the last page is where it was expected, and is not full", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(startsOf(87, Histories.random(1))))
      assert.strictEqual(
        yield* Count.rows(askOf(server), bounds, { expected: 85, size: 10, repeats: false, even: true }),
        87
      )
      assert.strictEqual(server.requests(), 1)
    })
  )

  it.effect(
    "takes four where a page beyond the end is the last one again, and two with a known first page that holds all",
    () =>
      Effect.gen(function* () {
        const options = { size: 10, repeats: true, even: true }
        const server = open(rowsAt(startsOf(87, Histories.random(1))), { beyond: "last" })
        assert.strictEqual(yield* Count.rows(askOf(server), bounds, { ...options, expected: 85 }), 87)
        assert.strictEqual(server.requests(), 4)
        const small = open(rowsAt(startsOf(7, Histories.random(1))), { beyond: "last" })
        const ask = askOf(small)
        const first = (yield* ask(1, bounds)).rows
        assert.strictEqual(yield* Count.rows(ask, bounds, { ...options, expected: 7, first }), 7)
        assert.strictEqual(small.requests(), 3)
      })
  )

  it.effect("is unknown, or fails where that was asked for, when the last page fails on a record", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last"] as const) {
        const starts = startsOf(87, Histories.random(3)).sort((a, b) => a - b)
        const server = open(rowsAt(starts), { beyond, poison: "row-0" })
        const ask = Ask.make(
          Patience.make(server.client.list),
          {},
          { size: 10, sort: { by: undefined, order: undefined } }
        )
        const options = { expected: 87, size: 10, repeats: beyond === "last" }
        assert.isUndefined(yield* Count.rows(ask, bounds, options))
        const error = yield* Effect.flip(Count.orFail(ask, bounds, options))
        assert.isTrue(Ask.isPoison(error))
      }
    })
  )

  it.effect("finds a few rows where very many were expected in a dozen requests", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(startsOf(64, Histories.random(2))))
      assert.strictEqual(yield* Count.rows(askOf(server), bounds, { expected: 1e6, size: 10, repeats: false }), 64)
      assert.isAtMost(server.requests(), 14)
    })
  )

  it.effect("is unknown where the server refuses a page so deep", () =>
    Effect.gen(function* () {
      const rows = rowsAt(startsOf(87, Histories.random(3)))
      const options = { expected: 87, size: 10, repeats: false }
      assert.isUndefined(yield* Count.rows(askOf(open(rows, { depth: { most: 3, cut: "error" } })), bounds, options))
    })
  )

  it.effect("is right where the last page comes again, and its calls start together in another order each time", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 150; seed++) {
        const { next, pick } = Histories.random(seed)
        // Of a page that is full nobody knows which one it is, and a few rows are the same again by chance.
        const rows = 10 * pick(1, 2, 5, 7) + pick(4, 5, 8, 9)
        const tied = Math.min(rows, 9 + Math.floor(next() * 15))
        const starts = Array.from({ length: rows }, (_, i) => began - second - Math.min(i, rows - tied) * 60 * second)
        const tieOrder = pick("query", "random")
        const server = open(rowsAt(starts), { beyond: "last", tieOrder })
        const expected = pick(1, rows, 3 * rows, Infinity)
        const counted = yield* Count.rows(askOf(server), bounds, { expected, size: 10, repeats: true })
        assert.strictEqual(counted, rows, `seed ${seed}: ${expected} expected`)
        assert.isAtMost(server.requests(), 20, `seed ${seed}: ${expected} expected`)
      }
    })
  )

  it.effect("is right where the first page comes again, and all start together in another order each time", () =>
    Effect.gen(function* () {
      for (const rows of [12, 14, 15])
        for (let seed = 1; seed <= 20; seed++) {
          const tieOrder = seed % 2 === 0 ? "query" : "random"
          const server = open(rowsAt(Array.from({ length: rows }, () => began - hour - seed * second)), {
            beyond: "first",
            tieOrder
          })
          const counted = yield* Count.rows(askOf(server), bounds, { expected: rows, size: 10, repeats: true })
          assert.isAtMost(counted ?? 0, rows, `seed ${seed}`)
        }
    })
  )

  it.effect("is not led astray where smaller pages reach beyond a limit on the depth, which repeats one", () =>
    Effect.gen(function* () {
      for (const most of [5, 10, 20])
        for (const cut of ["last", "first"] as const)
          for (let pages = 1; pages < most; pages++) {
            const rows = 10 * pages
            const server = open(rowsAt(startsOf(rows, Histories.random(rows))), { depth: { most, cut } })
            const counted = yield* Count.rows(askOf(server), bounds, { expected: rows, size: 10, repeats: false })
            assert.strictEqual(counted, rows, `${pages} pages, ${most} deep`)
            assert.isAtMost(server.requests(), 5, `${pages} pages, ${most} deep`)
          }
    })
  )
})
