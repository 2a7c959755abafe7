import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Version from "../../../src/model/Version.ts"
import * as Csv from "@callstream/core/sink/Csv"
import * as CsvSink from "@callstream/core/sink/CsvSink"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Table from "@callstream/core/sink/Table"
import * as Select from "../../../src/transform/internal/Select.ts"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { dice, type Dice } from "../../transform/Records.ts"
import * as CsvFiles from "./CsvFiles.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"

const path = "/d/calls.csv"

const make = (options: Partial<CsvSink.Options> = {}) => {
  const memory = MemoryFileSystem.make()
  const sink = CsvSink.make({ path, ...options })
  return {
    memory,
    sink: {
      ...sink,
      open: (opening: SessionSink.Opening) => Effect.provide(sink.open(opening), memory.layer),
      verify: undefined
    }
  }
}

const columns = Column.ofSession.filter(({ name }) => ["id", "summary", "durationSec", "startedAt"].includes(name))
const batch = (rows: ReadonlyArray<CallSession>, of: ReadonlyArray<Column.Column> = columns) => ({
  items: rows.map((row) => ({ id: row.id, start: undefined, row })),
  columns: of,
  observedAt: Version.of(0)
})

const odd = [
  "",
  " ",
  ",",
  '"',
  '""',
  "\r\n",
  "\n",
  "\r",
  "\t",
  "\u0000",
  "'",
  ";",
  "=",
  "+",
  "-",
  "@",
  "＝",
  "😀",
  "\ud83d",
  "\udc00",
  "é",
  "a",
  "1",
  "\u00a0",
  "\ufeff",
  "\u200b",
  "null",
  "\u0085",
  "\u2028",
  "x".repeat(10_000)
] as const

/** As JSON reads it: a number, and nothing that runs. */
const isNumber = (text: string | null): boolean => {
  try {
    return text !== null && text.trim() === text && typeof JSON.parse(text) === "number"
  } catch {
    return false
  }
}

const textOf = ({ pick, roll }: Dice): string => Array.from({ length: roll(6) }, () => pick(odd)).join("")

describe("Csv", () => {
  it("neutralises what a spreadsheet takes for a formula, and gives it back", () => {
    for (const text of [
      "=1+1",
      "+15551234567",
      "-1+1",
      "-1%",
      "--1",
      "-01",
      "-1,5",
      "-0x10",
      "-Infinity",
      " -1",
      "-1 ",
      "'-1",
      "@SUM(A1)",
      "\tx",
      "\rx",
      "\nx",
      " =1",
      '"=1',
      "'=1",
      "\u200b=1",
      "\ufeff=1",
      "\u00a0+1",
      "＝1",
      "＋1",
      "－1",
      "＠a",
      "'+1",
      "''+1",
      "\u0000=1",
      "\" '@",
      "=",
      "+",
      " \tx"
    ]) {
      assert.strictEqual(Csv.guard(text), `'${text}`)
      assert.strictEqual(Csv.unguard(`'${text}`), text)
    }
    for (const text of [
      "",
      "a",
      "a=1",
      "1-2",
      "it's",
      "'tis",
      "'",
      '{"a":-1}',
      "(-1)",
      "é=",
      " a",
      "[1]",
      ".",
      "-1",
      "-0",
      "-12.5",
      "-1e5",
      "-1.5E+20",
      "-4876876000000420001"
    ]) {
      assert.strictEqual(Csv.guard(text), text)
      assert.strictEqual(Csv.unguard(text), text)
    }
  })

  it("no cell of text begins with a trigger, no two texts become the same, and a reader gets back each", () => {
    const table = Table.make([
      { name: "a", type: "text" },
      { name: "b", type: "any" },
      { name: "=c", type: "text" }
    ])
    const header = Csv.header(table.columns)
    assert.strictEqual(header, "a,b,'=c,extra")
    for (let seed = 1; seed <= 4000; seed++) {
      const random = dice(seed)
      const row = { a: textOf(random), b: textOf(random), "=c": random.pick([null, ""]) }
      const cells = table.cells(row)
      const [, line] = CsvFiles.parse(`${header}\r\n${Csv.record(table.columns, cells)}\r\n`)
      assert.deepStrictEqual(
        line?.map((cell) => (cell === null ? null : Csv.unguard(cell))),
        cells,
        `seed ${seed}`
      )
      for (const cell of line ?? []) {
        if (!isNumber(cell)) assert.notMatch(cell ?? "", /^[\s"]*[=+\-@\t\r\n]/, `seed ${seed}`)
      }
      const [, raw] = CsvFiles.parse(`${header}\r\n${Csv.record(table.columns, cells, { raw: true })}\r\n`)
      assert.deepStrictEqual(raw, cells, `seed ${seed}`)
    }
  })

  it("never guards a number, whatever column it is in", () => {
    const table = Table.make(
      Select.select(["metadata.balance", "metadata", "costTotal", "summary"]).columns(Column.ofSession),
      { misfits: "text" }
    )
    const line = (row: object) => Csv.record(table.columns, table.cells(row))
    assert.strictEqual(
      line({ "metadata.balance": -12.5, metadata: -3, costTotal: -0.0425, summary: -7 }),
      "-12.5,-3,-0.0425,-7"
    )
    assert.strictEqual(line({ "metadata.balance": "-12.5", summary: "-12.5" }), "-12.5,,,-12.5")
    for (let seed = 1; seed <= 2000; seed++) {
      const random = dice(seed)
      const value = (random.roll(2_000_001) - 1_000_000) / 10 ** random.roll(8)
      const cell = line({ "metadata.balance": value }).split(",")[0] ?? ""
      assert.strictEqual(Number(cell), value, `seed ${seed}`)
    }
  })

  it("leaves numbers, costs and times alone, and keeps null and empty text apart", () => {
    const table = Table.make([
      { name: "n", type: "number" },
      { name: "i", type: "integer" },
      { name: "c", type: "decimal" },
      { name: "t", type: "timestamp" },
      { name: "d", type: "date" },
      { name: "b", type: "boolean" },
      { name: "j", type: "json" },
      { name: "s", type: "text" }
    ])
    const line = (row: object) => Csv.record(table.columns, table.cells(row))
    assert.strictEqual(
      line({
        n: -0.5,
        i: -3,
        c: "-1.50",
        t: "2026-07-31 07:16:10.5 +0000 UTC",
        d: "2026-07-31",
        b: true,
        j: { a: "x" },
        s: ""
      }),
      '-0.5,-3,-1.5,2026-07-31T07:16:10.500000Z,2026-07-31,true,"{""a"":""x""}","",'
    )
    assert.strictEqual(line({ n: 1e21, b: false, i: "x" }), '1e+21,,,,,false,,,"{""i"":""x""}"')
    assert.strictEqual(line({}), ",,,,,,,,")
    const alone = Table.make([])
    assert.strictEqual(Csv.record(alone.columns, alone.cells({})), '""')
  })
})

describe("CsvSink.make", () => {
  it.effect("for Excel it has local times without fractions, a mark, and the apostrophe before a phone number", () =>
    Effect.gen(function* () {
      const row = { id: "+14155550123", startedAt: "2026-07-31T20:16:10.917605Z", summary: "=1" }
      for (const [timeZone, time] of [
        [undefined, "2026-07-31 20:16:10"],
        [DateTime.zoneMakeNamedUnsafe("Asia/Kolkata"), "2026-08-01 01:46:10"]
      ] as const) {
        const { memory, sink } = make({ excel: true, timeZone })
        yield* Stream.run(Stream.make(row), SessionSink.toSink(sink))
        assert.include(memory.text(path), `\r\n'+14155550123,`)
        assert.include(memory.text(path), `,${time},`)
        assert.include(memory.text(path), `,'=1,`)
        assert.strictEqual(memory.node(path)?.data[0], 0xef)
      }
    })
  )

  it.effect("has one header, however often the run was stopped, and none twice in a file of a rotation", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 9 }, (_, at): CallSession => ({ id: `s${at}`, summary: "=1", durationSec: at }))
      const { memory, sink } = make({ excel: true })
      let committed: Committed | undefined
      for (const row of rows) {
        committed = yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(committed)))
            yield* writer.write(batch([row]))
            return yield* writer.flush(Position.of(1))
          })
        )
      }
      yield* Effect.scoped(
        Effect.flatMap(sink.open(SessionSink.opening(Option.fromUndefinedOr(committed))), ({ finish }) => finish)
      )
      const text = memory.text(path) ?? ""
      assert.deepStrictEqual([...(memory.node(path)?.data.slice(0, 3) ?? [])], [0xef, 0xbb, 0xbf])
      assert.isTrue(text.replace("\ufeff", "").startsWith("id,summary,startedAt,durationSec,extra\r\ns0,'=1,,0,\r\n"))
      assert.lengthOf(CsvFiles.rows(text), rows.length)

      const many = make({ rotate: { bytes: 70 } })
      yield* Stream.run(Stream.rechunk(Stream.fromIterable(rows), 4), SessionSink.toSink(many.sink))
      const parts = many.memory.names().filter((name) => name.endsWith(".csv"))
      assert.isAbove(parts.length, 3)
      assert.lengthOf(
        parts.flatMap((name) => CsvFiles.rows(many.memory.text(name) ?? "")),
        rows.length
      )
    })
  )

  it.effect("without a row it is a header, and raw leaves formulas", () =>
    Effect.gen(function* () {
      const empty = make()
      yield* Stream.run(Stream.empty, SessionSink.toSink(empty.sink))
      assert.strictEqual(empty.memory.text(path), `${[...Column.names(Column.ofSession), "extra"].join(",")}\r\n`)
      const raw = make({ raw: true })
      yield* Stream.run(Stream.make<[CallSession]>({ id: "=1" }), SessionSink.toSink(raw.sink))
      assert.include(raw.memory.text(path) ?? "", "\r\n=1,")
    })
  )

  it.effect(
    "has chosen columns and no other, with what they cannot hold as it came, and extra where it is chosen",
    () =>
      Effect.gen(function* () {
        const rows: ReadonlyArray<Readonly<Record<string, unknown>>> = [
          { id: "1", startedAt: "0001-01-01T00:00:00Z", costTotal: "=free", durationSec: "65s", lead: { a: 1 } },
          { id: "2", startedAt: "2026-07-31T07:16:10Z", costTotal: "1.50", durationSec: 65, lead: -5 }
        ]
        const written = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
          const { memory, sink } = make()
          const columns = Select.select(names).columns(Column.ofSession)
          const write = (from: Committed | undefined, part: typeof rows) =>
            Effect.scoped(
              Effect.gen(function* () {
                const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(from)))
                const items = part.map((row) => ({ id: String(row["id"]), start: undefined, row }))
                assert.isEmpty(yield* writer.write({ items, columns, observedAt: Version.of(0) }))
                const committed = yield* writer.flush(Position.of(1))
                if (from !== undefined) yield* writer.finish
                return committed
              })
            )
          yield* write(yield* write(undefined, rows.slice(0, 1)), rows.slice(1))
          return memory.text(path)
        })
        const names = ["id", "startedAt", "costTotal", "durationSec", "lead"]
        assert.strictEqual(
          yield* written(names),
          [
            "id,startedAt,costTotal,durationSec,lead",
            `1,0001-01-01T00:00:00Z,'=free,65s,"{""a"":1}"`,
            "2,2026-07-31T07:16:10Z,1.5,65,-5",
            ""
          ].join("\r\n")
        )
        assert.match(
          (yield* written(["extra", ...names])) ?? "",
          /^id,startedAt,costTotal,durationSec,lead,extra\r\n1,,,,"\{""a"":1\}","\{""startedAt"":""0001/
        )
      })
  )

  it.effect("refuses other columns, in a run and after one, and another way of writing", () =>
    Effect.gen(function* () {
      const { memory, sink } = make()
      const open = (from: Committed | undefined, of: ReadonlyArray<Column.Column>) =>
        Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(from)))
            yield* writer.write(batch([{ id: "1" }], of))
            return {
              committed: yield* writer.flush(Position.of(1)),
              other: yield* Effect.flip(writer.write(batch([], of.slice(1))))
            }
          })
        )
      const { committed, other } = yield* open(undefined, columns)
      assert.include(other.message, "a batch has other columns than the first one had")
      const error = yield* Effect.flip(open(committed, Column.ofSession)).pipe(Effect.map(String))
      assert.include(error, "/d/calls.csv: the rows have other columns than the file that an earlier run began")
      const raw = CsvSink.make({ path, raw: true })
      const otherKind = yield* Effect.flip(
        Effect.scoped(Effect.provide(raw.open(SessionSink.opening(Option.some(committed))), memory.layer))
      )
      assert.include(otherKind.description, "another kind of output")
    })
  )
})
