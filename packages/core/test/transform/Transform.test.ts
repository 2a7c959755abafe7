import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

interface Row {
  readonly value: number
}

const items = Array.from({ length: 2000 }, (_, at) => ({
  id: String(at),
  start: at,
  version: undefined,
  row: { value: at }
}))

const transform = (apply: (record: Row) => Row | undefined) =>
  Transform.make<Row, Row>({ label: "test", columns: (columns) => columns, apply })

const busy = (millis: number) => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

describe("Transform.toItems", () => {
  it.live("keeps the order, leaves out, and reports what threw, however often it lets others have a turn", () =>
    Effect.gen(function* () {
      const thrown: Array<[number, unknown]> = []
      let turns = 0
      const others = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => void turns++)
          )
        )
      )
      const error = new Error("seven")
      const found = yield* Transform.toItems(
        transform(({ value }) => {
          if (value % 100 === 0) busy(10)
          if (value % 7 === 0) throw error
          return value % 2 === 0 ? undefined : { value: value * 10 }
        })
      )(items, ({ row }, cause) => thrown.push([row.value, cause]))
      yield* Fiber.interrupt(others)
      const kept = items.filter(({ row }) => row.value % 7 !== 0 && row.value % 2 !== 0)
      assert.deepStrictEqual(found.passed, kept)
      assert.deepStrictEqual(
        found.items,
        kept.map((item) => ({ ...item, row: { value: item.row.value * 10 } }))
      )
      assert.deepStrictEqual(
        thrown,
        items.filter(({ row }) => row.value % 7 === 0).map(({ row }) => [row.value, error])
      )
      assert.isAtLeast(turns, 5)
    })
  )

  it.live("is interrupted between two records", () =>
    Effect.gen(function* () {
      let seen = 0
      const work = Transform.toItems(
        transform((record) => {
          seen++
          busy(5)
          return record
        })
      )(items, () => {})
      const fiber = yield* Effect.forkChild(work)
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
      assert.isAbove(seen, 0)
      assert.isBelow(seen, items.length / 2)
    })
  )
})
