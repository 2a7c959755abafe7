import * as CallSession from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Derive from "@callstream/core/transform/Derive"
import { derive } from "../../src/transform/internal/Deriving.ts"
import * as FieldPath from "@callstream/core/transform/FieldPath"
import * as Flatten from "../../src/transform/internal/Flatten.ts"
import * as Omit from "../../src/transform/internal/Omit.ts"
import * as Redacting from "../../src/transform/internal/Redacting.ts"
import * as Select from "../../src/transform/internal/Select.ts"
import * as Transform from "@callstream/core/transform/Transform"
import * as Where from "../../src/transform/internal/Where.ts"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Dice, dice, freeze, type Session, sessions } from "./Records.ts"

type Row = Readonly<Record<string, unknown>>

/** A session as the first transform of a chain gets it. */
const asRow: Transform.Pure<Session, Row> = Transform.make({
  label: "",
  columns: (columns) => columns,
  apply: (session) => ({ ...session })
})

const isObject = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ExactNumber.isExactNumber(value)

/** The paths of all that is in a record, down to what is no object or an empty one. */
const leavesOf = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  isObject(value) && Object.keys(value).length > 0
    ? Object.keys(value).flatMap((key) => leavesOf(value[key], [...path, key]))
    : [path]

const textOf = (path: ReadonlyArray<string>): string => {
  const [first = "", ...rest] = path
  return FieldPath.format([first, ...rest])
}

const someTransform = (random: Dice): Transform.Pure<Row, Row> =>
  random.pick([
    () => Where.where<Row>("even", ({ durationSec }) => Number(durationSec) % 2 === 0),
    () => Omit.omit(["recordingUrl", "metadata.crm.owner"]),
    () => Omit.omit(["creditBreakdown"]),
    () => Flatten.flatten(),
    () => Flatten.flatten({ objects: "whole" }),
    () => Redacting.redact<Row>({ phone: "mask", email: "drop", name: "mask" }),
    () => Select.select(["id", "durationSec", "metadata", { path: "creditBreakdown.total_credits", as: "credits" }])
  ])()

describe("transforms", () => {
  it.effect("compose in any grouping to the same rows, columns and label, and change no input", () =>
    Effect.gen(function* () {
      const records = yield* sessions(21, 120)
      const columns = Column.ofSession
      for (let seed = 1; seed <= 200; seed++) {
        const random = dice(seed)
        const [a, b, c] = [someTransform(random), someTransform(random), someTransform(random)]
        const left = Transform.andThen(Transform.andThen(Transform.andThen(asRow, a), b), c)
        const right = Transform.andThen(asRow, Transform.andThen(a, Transform.andThen(b, c)))
        assert.strictEqual(left.label, right.label)
        assert.deepStrictEqual(left.columns(columns), right.columns(columns), left.label)
        for (let n = 0; n < 8; n++) {
          const session = freeze(records[random.roll(records.length)])
          assert.isDefined(session)
          assert.deepStrictEqual(left.apply(session), right.apply(session), `seed ${seed}: ${left.label}`)
        }
      }
    })
  )

  it.effect("flatten loses no value, gives no two the same name, and select finds each by it", () =>
    Effect.gen(function* () {
      for (const session of yield* sessions(22, 200)) {
        const flat = Flatten.flatten().apply(freeze(session))
        assert.isDefined(flat)
        const leaves = leavesOf(session)
        assert.deepStrictEqual(Object.keys(flat).sort(), leaves.map(textOf).sort(), session.id)
        for (const path of leaves) {
          const name = textOf(path)
          assert.deepStrictEqual(flat[name], FieldPath.get(session, path), name)
          assert.deepStrictEqual<unknown>(FieldPath.parse(name), Result.succeed(path), name)
        }
        const names = leaves.map(textOf)
        assert.deepStrictEqual(Select.select(names).apply(flat), Select.select(names).apply(session))
        assert.deepStrictEqual(Flatten.flatten().apply(flat), flat)
      }
    })
  )

  it.effect("select finds a field of the record itself whose name is no plain word, flat or not", () =>
    Effect.sync(() => {
      const record = { "Lead Score": 7, 'a.b["c"]': null, id: "x" }
      const names = Object.keys(record).map((key) => FieldPath.format([key]))
      const expected = { '["Lead Score"]': 7, '["a.b[\\"c\\"]"]': null, id: "x" }
      assert.deepStrictEqual(Select.select(names).apply(record), expected)
      assert.deepStrictEqual(Select.select(names).apply(Flatten.flatten().apply(record) ?? {}), expected)
      const renamed = Select.select([{ path: '["Lead Score"]', as: "lead" }])
      assert.deepStrictEqual(renamed.apply(record), { lead: 7 })
    })
  )

  it.effect("a table's columns hold all of a row, whatever it is", () =>
    Effect.gen(function* () {
      const table = Transform.andThen(asRow, Flatten.flatten({ objects: "whole" }))
      const columns = new Set(Column.names(table.columns(Column.ofSession)))
      for (const session of yield* sessions(23, 200)) {
        const more = { ...session, creditBreakdown: Object.assign({ gpu_credits: 1 }, session.creditBreakdown) }
        for (const one of [session, more]) {
          const row = table.apply(one)
          assert.deepStrictEqual(
            Object.keys(row ?? {}).filter((key) => !columns.has(key)),
            []
          )
        }
        assert.strictEqual(FieldPath.get(table.apply(more), ["creditBreakdown", "gpu_credits"]), 1)
      }
    })
  )

  it.effect("flatten has the same order of columns, however the keys came", () =>
    Effect.gen(function* () {
      for (const session of yield* sessions(24, 50)) {
        const reversed = Object.fromEntries(Object.entries(session.metadata ?? {}).reverse())
        const [a, b] = [session, { ...session, metadata: reversed }].map((one) => Flatten.flatten().apply(one) ?? {})
        assert.deepStrictEqual(Object.keys(a ?? {}), Object.keys(b ?? {}))
      }
    })
  )

  it.effect("omit leaves what select does not, and keeps other values identical", () =>
    Effect.gen(function* () {
      for (const session of yield* sessions(25, 100)) {
        const row = Omit.omit(["callerNumber", "metadata.crm.owner"]).apply(freeze(session))
        assert.isUndefined(FieldPath.get(row, ["metadata", "crm", "owner"]))
        assert.deepStrictEqual(
          FieldPath.get(row, ["metadata", "crm", "id"]),
          FieldPath.get(session, ["metadata", "crm", "id"])
        )
        assert.notProperty(row, "callerNumber")
        assert.strictEqual(row?.["promptDynamicVariables"], session.promptDynamicVariables)
        assert.strictEqual(Omit.omit(["nothing", "metadata.crm.nobody"]).apply(session), session)
      }
    })
  )

  it.effect("derived fields are there in every row, and in the columns", () =>
    Effect.gen(function* () {
      const derived = derive(Derive.names)
      assert.deepStrictEqual(
        derived.columns([
          { name: "id", type: "text" },
          { name: "cost", type: "text" }
        ]),
        [
          { name: "id", type: "text" },
          { name: "outcome", type: "text" },
          { name: "direction", type: "text" },
          { name: "customerNumber", type: "text" },
          { name: "startedDate", type: "date" },
          { name: "startedTime", type: "text" },
          { name: "startedHour", type: "integer" },
          { name: "weekday", type: "text" },
          { name: "minutes", type: "number" },
          { name: "cost", type: "number" },
          { name: "finalCost", type: "decimal" },
          { name: "analysis", type: "json" }
        ]
      )
      for (const session of yield* sessions(26, 200)) {
        const row = derived.apply(freeze(session))
        assert.isDefined(row)
        for (const name of Derive.names) assert.notStrictEqual(row[name], undefined)
        assert.strictEqual(row.direction, CallSession.direction(session))
        assert.strictEqual(row.outcome, CallSession.outcome(session))
        assert.strictEqual(row.finalCost, CallSession.finalCost(session) === undefined ? null : session.costTotal)
        assert.strictEqual(row.startedDate, session.startedAt?.slice(0, 10) ?? null)
        assert.strictEqual(row.startedTime, session.startedAt?.slice(11, 19) ?? null)
      }
    })
  )
})

describe("Derive", () => {
  const zoned = (zone: string) => derive(["startedDate"], { timeZone: DateTime.zoneMakeNamedUnsafe(zone) })
  const date = (zone: string, startedAt: string | null) => zoned(zone).apply({ id: "1", startedAt })?.startedDate

  it("has the dates of its zone, on the days when clocks change too", () => {
    for (const [zone, startedAt, expected] of [
      ["Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-28"],
      ["Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29"],
      ["Europe/Berlin", "2026-03-29T21:59:59.999999Z", "2026-03-29"],
      ["Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30"],
      ["Asia/Kathmandu", "2026-01-01T18:14:59Z", "2026-01-01"],
      ["Asia/Kathmandu", "2026-01-01T18:15:00Z", "2026-01-02"],
      ["Pacific/Kiritimati", "2026-01-01 10:00:00.5 +0000 UTC", "2026-01-02"],
      ["UTC", "0001-01-01T00:00:00Z", null],
      ["UTC", "soon", null],
      ["UTC", null, null]
    ] as const) {
      assert.strictEqual(date(zone, startedAt), expected, `${zone} ${startedAt}`)
    }
  })

  it("has the clock times and the days of the week of its zone", () => {
    for (const [zone, startedAt, ...expected] of [
      ["UTC", "2001-01-01T00:00:00Z", "00:00:00", 0, "monday"],
      ["UTC", "2026-11-28T23:59:59.999999Z", "23:59:59", 23, "saturday"],
      ["Asia/Kolkata", "2026-11-28T18:29:59Z", "23:59:59", 23, "saturday"],
      ["Asia/Kolkata", "2026-11-28T18:30:00Z", "00:00:00", 0, "sunday"],
      // The same clock time twice, and one that is skipped.
      ["Europe/Berlin", "2026-10-25T00:30:00Z", "02:30:00", 2, "sunday"],
      ["Europe/Berlin", "2026-10-25T01:30:00Z", "02:30:00", 2, "sunday"],
      ["Europe/Berlin", "2026-03-29T01:30:00Z", "03:30:00", 3, "sunday"],
      ["Australia/Lord_Howe", "2026-10-03T15:30:00Z", "02:30:00", 2, "sunday"],
      ["UTC", "soon", null, null, null]
    ] as const) {
      const timeZone = DateTime.zoneMakeNamedUnsafe(zone)
      const row = derive(["startedTime", "startedHour", "weekday"], { timeZone }).apply({ id: "1", startedAt })
      assert.deepStrictEqual([row?.startedTime, row?.startedHour, row?.weekday], expected, `${zone} ${startedAt}`)
    }
  })

  it("says its zone in the label, where it matters", () => {
    assert.strictEqual(
      derive(["weekday", "cost"], { timeZone: DateTime.zoneMakeNamedUnsafe("Asia/Tokyo") }).label,
      "derive weekday@Asia/Tokyo,cost"
    )
    assert.strictEqual(zoned("Asia/Tokyo").label, "derive startedDate@Asia/Tokyo")
    assert.strictEqual(derive(["cost", "direction"]).label, "derive direction,cost")
  })

  it("takes analyses out of their wrapping, and costs as numbers only where they are", () => {
    const derived = derive(["analysis", "cost"])
    const values = (fields: Partial<CallSession.CallSession>) => {
      const row = derived.apply({ id: "1", ...fields })
      return [row?.analysis, row?.cost]
    }
    assert.deepStrictEqual(
      values({ costTotal: "0.10", postCallAnalysisResult: { a: { type: "enum", value: "x" }, "b c": 1 } }),
      [{ a: "x", "b c": 1 }, 0.1]
    )
    assert.deepStrictEqual(values({ costTotal: "n/a", postCallAnalysisResult: null }), [null, null])
    assert.deepStrictEqual(values({ costTotal: "0" }), [null, 0])
  })
})

describe("Select", () => {
  it("has exactly its columns, renamed, and keeps null and absent apart", () => {
    const select = Select.select(["id", { path: "callerNumber", as: "from" }, 'metadata["a.b"].c', "summary"])
    assert.deepStrictEqual(select.columns(Column.ofSession), [
      { name: "id", type: "text", chosen: true },
      { name: "from", type: "text", chosen: true },
      { name: 'metadata["a.b"].c', type: "any", chosen: true },
      { name: "summary", type: "text", chosen: true }
    ])
    // With extra they are not all: that column is the table's own.
    assert.deepStrictEqual(Select.select(["extra", "id"]).columns(Column.ofSession), [{ name: "id", type: "text" }])
    assert.deepStrictEqual(select.apply({ id: "1", callerNumber: null, metadata: { "a.b": { c: 0 } } }), {
      id: "1",
      from: null,
      'metadata["a.b"].c': 0
    })
    assert.strictEqual(select.label, 'select id,callerNumber="from",metadata["a.b"].c,summary')
  })

  it("finds nothing that a record only inherits", () => {
    assert.deepStrictEqual(
      Select.select(["constructor", "metadata.toString", "summary.length"]).apply({ metadata: {}, summary: "x" }),
      {}
    )
  })

  it("throws for what is a mistake in a program", () => {
    assert.throws(() => Select.select(["id", { path: "status", as: "id" }]), /two values under the name id/)
    assert.throws(() => Select.select(["metadata."]), /the name of a field is missing/)
    assert.throws(() => Omit.omit(["a["]), /put a key in double quotes/)
  })

  it("keeps types when it picks or drops fields of the record itself", () => {
    const session: CallSession.CallSession = { id: "1", status: "completed", durationSec: 5 }
    const picked: { readonly id: string } | undefined = Transform.pick(Transform.sessions, [
      "id",
      "status",
      "summary"
    ]).apply(session)
    assert.deepStrictEqual<unknown>(picked, { id: "1", status: "completed" })
    const left: { readonly id: string } | undefined = Transform.drop(Transform.sessions, ["status"]).apply(session)
    assert.deepStrictEqual<unknown>(left, { id: "1", durationSec: 5 })
    assert.deepStrictEqual(
      Column.names(
        Transform.drop(Transform.sessions, ["status"]).columns([
          { name: "id", type: "text" },
          { name: "status", type: "text" }
        ])
      ),
      ["id"]
    )
  })
})
