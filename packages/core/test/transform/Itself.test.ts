import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as Select from "../../src/transform/internal/Select.ts"
import * as Transform from "@callstream/core/transform/Transform"
import * as Where from "../../src/transform/internal/Where.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

const columns = (given: ReadonlyArray<Column.Column>) => given

/** What a program without types can make: the row that a transform gives is anything. */
const anything = (row: unknown): Transform.Pure<CallSession, object> => {
  const made = Transform.make<CallSession, object>({ label: "mine", columns, apply: (session) => session })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is what must not happen
  return { ...made, apply: () => row as object }
}

const item = { id: "1", start: undefined, row: { id: "1" } }

const wrong: ReadonlyArray<readonly [unknown, string]> = [
  [Promise.resolve(item.row), "a Promise"],
  // oxlint-disable-next-line unicorn/no-thenable -- as a query builder is one
  [{ then: () => item.row }, "a Promise"],
  [Effect.succeed(item.row), "an Effect"],
  [Effect.sync(() => item.row), "an Effect"],
  [Exit.succeed(item.row), "an Effect"],
  [Stream.make(item.row), "a Stream"],
  [Option.some(item.row), "an Option"],
  [Option.none(), "an Option"],
  [Result.succeed(item.row), "a Result"],
  [
    (function* () {
      yield item.row
    })(),
    "a generator"
  ],
  [[item.row], "a list"],
  [() => item.row, "a function"]
]

describe("a row that is none", () => {
  it("is refused when it is written, and between two transforms, whatever the second does", () => {
    for (const [row, found] of wrong) {
      const one = anything(row)
      const dead: Array<unknown> = []
      const run = (transform: Transform.Transform<CallSession, object>) => () =>
        Effect.runSync(Transform.toItems(transform)([item], (_, cause) => void dead.push(cause)))
      assert.throws(run(one), TypeError, `the transform "mine" gave ${found}: it must give the row itself`)
      assert.throws(run(Transform.andThen(one, Select.select(["id"]))), TypeError, `"mine" gave ${found}`)
      // Every record would show it again: it is no matter of this one.
      assert.isEmpty(dead)
    }
  })

  it("is not mistaken for a row, nor a row for it", () => {
    class Own {
      readonly id = "1"
      readonly next = "a field"
    }
    for (const row of [
      {},
      JSON.parse('{"then":"text"}'),
      { next: 1 },
      new Own(),
      Object.create(null),
      { _id: "Exit" }
    ]) {
      const { items } = Effect.runSync(Transform.toItems(anything(row))([item], () => assert.fail("it is a row")))
      assert.strictEqual(items[0]?.row, row)
    }
    assert.isEmpty(Effect.runSync(Transform.toItems(anything(undefined))([item], () => undefined)).items)
  })

  it("is a condition that is no boolean, too: a Promise would hold for every record", () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a program without types can say
    const holds = (() => Promise.resolve(false)) as unknown as () => boolean
    const run = () =>
      Effect.runSync(Transform.toItems(Where.where("later", holds))([item], () => assert.fail("no dead letter")))
    assert.throws(run, TypeError, 'the transform "where later" gave no boolean for its condition')
  })

  it("does not compile", () => {
    const label = "mine"
    const never = (): void => {
      // @ts-expect-error -- a Promise
      Transform.make({ label, columns, apply: async (session: CallSession) => session })
      // @ts-expect-error -- an Effect
      Transform.make({ label, columns, apply: (session: CallSession) => Effect.succeed(session) })
      // @ts-expect-error -- an Exit, which is one
      Transform.make({ label, columns, apply: (session: CallSession) => Exit.succeed(session) })
      const sometimes = (one: CallSession) => (one.status === "failed" ? Promise.resolve(one) : one)
      // @ts-expect-error -- in some cases only
      Transform.make({ label, columns, apply: sometimes })
      // @ts-expect-error -- a Stream
      Transform.make({ label, columns, apply: (session: CallSession) => Stream.make(session) })
      // @ts-expect-error -- an Option
      Transform.make({ label, columns, apply: (session: CallSession) => Option.some(session) })
      // @ts-expect-error -- a Result
      Transform.make({ label, columns, apply: (session: CallSession) => Result.succeed(session) })
      // @ts-expect-error -- a list
      Transform.make({ label, columns, apply: (session: CallSession) => [session] })
      // @ts-expect-error -- what `&&` gives instead of nothing
      Transform.make({ label, columns, apply: (one: CallSession) => one.status === "failed" && one })
      // @ts-expect-error -- a condition that is known later
      Where.where<CallSession>(label, async () => true)
      // @ts-expect-error -- a condition as an Effect
      Where.where<CallSession>(label, () => Effect.succeed(true))
    }
    assert.isFunction(never)
    // What is a row compiles: of a record, with further fields, of any keys, or none.
    const all: ReadonlyArray<Transform.Transform<CallSession, object>> = [
      Transform.make({ label, columns, apply: (session: CallSession) => session }),
      Transform.make({ label, columns, apply: (session: CallSession) => Object.assign({}, session, { score: 1 }) }),
      Transform.make({ label, columns, apply: ({ metadata }: CallSession) => metadata ?? undefined }),
      Transform.make({ label, columns, apply: (): undefined => undefined })
    ]
    assert.lengthOf(all, 4)
  })
})
