import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as Instant from "@callstream/core/model/Instant"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dice } from "./Records.ts"

interface Row {
  readonly value: number
}

const items = Array.from({ length: 2000 }, (_, at) => ({
  id: String(at),
  start: Instant.of(at),
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

describe("verbs", () => {
  const sessions: ReadonlyArray<CallSession> = [
    { id: "1", status: "completed", channel: "inbound_call", callerNumber: "+14155550123", costTotal: "0.5" },
    { id: "2", status: "failed", channel: "inbound_call", callerNumber: "+14155550124", costTotal: "0.5" }
  ]
  const select = ["id", "direction", "callerNumber"]

  it.effect("make one chain in a pipe, and the same one by their first argument", () =>
    Effect.gen(function* () {
      const piped = Transform.sessions.pipe(
        Transform.where("completed", ({ status }) => status === "completed"),
        Transform.derive(["direction"]),
        Transform.redact({ phone: "mask" }),
        Transform.omit(["costTotal"]),
        Transform.flatten(),
        Transform.select(select)
      )
      const completed = Transform.where(Transform.sessions, "completed", ({ status }) => status === "completed")
      const redacted = Transform.redact(Transform.derive(completed, ["direction"]), { phone: "mask" })
      const called = Transform.select(Transform.flatten(Transform.omit(redacted, ["costTotal"])), select)
      const row = { id: "1", direction: "inbound", callerNumber: "[phone]" }
      assert.deepStrictEqual(yield* Transform.applyAll(piped, sessions), [row])
      assert.deepStrictEqual(
        sessions.map((one) => called.apply(one)),
        [row, undefined]
      )
      assert.strictEqual(piped.label, called.label)
      assert.deepStrictEqual(piped.columns(Column.ofSession), called.columns(Column.ofSession))
      assert.deepStrictEqual(Column.names(piped.columns(Column.ofSession)), select)
      assert.strictEqual(piped.redaction?.label, "redact phone=mask")
    })
  )

  it.effect("keep the types of what they pick and drop", () =>
    Effect.gen(function* () {
      const picked = Transform.sessions.pipe(Transform.pick(["id", "status"]))
      const rows: ReadonlyArray<Pick<CallSession, "id" | "status">> = yield* Transform.applyAll(picked, sessions)
      assert.deepStrictEqual(rows[0], { id: "1", status: "completed" })
      const dropped = Transform.sessions.pipe(Transform.drop(["status"]))
      // @ts-expect-error -- it was dropped
      const statuses = (yield* Transform.applyAll(dropped, sessions)).map(({ status }) => status)
      assert.deepStrictEqual(statuses, [undefined, undefined])
    })
  )
})

describe("Transform.effect", () => {
  const columns = (input: ReadonlyArray<Column.Column>) => input
  const even = transform(({ value }) => (value % 2 === 0 ? { value } : undefined))
  const none = new Transform.TransformError("no seven")

  /** Leaves out each third row, rejects each seventh, and makes the others ten times as much. */
  const one = ({ value }: Row): Row | Transform.TransformError | undefined =>
    value % 7 === 0 ? none : value % 3 === 0 ? undefined : { value: value * 10 }

  it.effect("gives what a pure transform of the same rule gives, at each place of a chain, and asks once a batch", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 100; seed++) {
        const random = dice(seed)
        let asked = 0
        const asking = Transform.effect({
          label: "test",
          columns,
          run: (rows: ReadonlyArray<Row>) =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => (asked++, rows.map(one)))
            )
        })
        const pure = transform((row) => {
          const made = one(row)
          if (made instanceof Transform.TransformError) throw made
          return made
        })
        const kinds = Array.from({ length: 1 + random.roll(4) }, () => random.pick(["even", "rule"] as const))
        const chain = (rule: Transform.Transform<Row, Row>) =>
          kinds.reduce<Transform.Transform<Row, Row>>(
            (self, kind) => Transform.andThen(self, kind === "even" ? even : rule),
            Transform.identity<Row>()
          )
        const given = items.slice(0, 1 + random.roll(60))
        const outcome = Effect.fnUntraced(function* (rule: Transform.Transform<Row, Row>) {
          const rejected: Array<[string, unknown]> = []
          const found = yield* Transform.toItems(chain(rule))(given, ({ id }, cause) => rejected.push([id, cause]))
          return { ...found, rejected: rejected.sort(([a], [b]) => Number(a) - Number(b)) }
        })
        assert.deepStrictEqual(yield* outcome(asking), yield* outcome(pure), `seed ${seed}: ${kinds.join(" ")}`)
        assert.isAtMost(asked, kinds.filter((kind) => kind === "rule").length, `seed ${seed}`)
        assert.strictEqual(chain(asking).label, chain(pure).label)
      }
    })
  )

  it.effect("fails with what it fails with, and applyAll with the first rejection", () =>
    Effect.gen(function* () {
      const down = Transform.effect({ label: "test", run: (_: ReadonlyArray<Row>) => Effect.fail("the CRM is down") })
      assert.strictEqual(yield* Effect.flip(Transform.applyAll(down, [{ value: 1 }])), "the CRM is down")
      const rule = Transform.effect({
        label: "test",
        run: (rows: ReadonlyArray<Row>) => Effect.succeed(rows.map(one))
      })
      assert.strictEqual(yield* Effect.flip(Transform.applyAll(rule, [{ value: 1 }, { value: 7 }])), none)
    })
  )

  it.effect("that gives too few results, or what is no row, is a bug that stops the run", () =>
    Effect.gen(function* () {
      const defect = Effect.fnUntraced(function* (given: ReadonlyArray<unknown>) {
        const self = Transform.effect({
          label: "mine",
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a program without types can say
          run: (_: ReadonlyArray<Row>) => Effect.succeed(given as ReadonlyArray<Row>)
        })
        const exit = yield* Effect.exit(Transform.applyAll(self, [{ value: 1 }, { value: 2 }]))
        return Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "no failure"
      })
      assert.include(yield* defect([{ value: 1 }]), '"mine" gave 1 results for 2 rows: it must give one for each')
      assert.include(yield* defect([{ value: 1 }, Promise.resolve()]), '"mine" gave a Promise')
    })
  )

  it("does not compile with what is no row", () => {
    const never = () => {
      // @ts-expect-error -- a Promise for each row
      Transform.effect({ label: "x", run: (rows: ReadonlyArray<Row>) => Effect.succeed(rows.map(async (row) => row)) })
    }
    assert.isFunction(never)
  })
})
