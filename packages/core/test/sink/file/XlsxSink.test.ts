import type * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as XlsxSink from "@callstream/core/sink/XlsxSink"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { inflateRawSync } from "node:zlib"
import * as Workbook from "../../../src/sink/file/internal/Workbook.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as XlsxFiles from "./XlsxFiles.ts"

const columns: ReadonlyArray<Column.Column> = [
  { name: "id", type: "text" },
  { name: "crm.id", type: "any" },
  { name: "count", type: "integer" },
  { name: "share", type: "number" },
  { name: "cost", type: "decimal" },
  { name: "at", type: "timestamp" },
  { name: "day", type: "date" },
  { name: "ok", type: "boolean" },
  { name: "tags", type: "json" }
]

type Row = Readonly<Record<string, unknown>>

const batchOf = (rows: ReadonlyArray<Row>) => ({
  items: rows.map((row, at) => ({ id: String(at), start: undefined, row })),
  columns,
  observedAt: Version.of(0)
})

/** The bytes of a finished file. */
const written = Effect.fnUntraced(function* (
  batches: ReadonlyArray<ReadonlyArray<Row>>,
  options: XlsxFiles.Options = {}
) {
  const memory = MemoryFileSystem.make()
  const sink = XlsxSink.make({ path: XlsxFiles.path, deflater: XlsxFiles.deflater, ...options })
  yield* Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(SessionSink.opening())
      for (const rows of batches) {
        yield* writer.write(batchOf(rows))
        yield* writer.flush(Position.of(1))
      }
      yield* writer.finish
    })
  ).pipe(Effect.provide(memory.layer))
  return memory.node(XlsxFiles.path)?.data ?? new Uint8Array()
})

/** A sheet's XML, by the size of its deflated content: what is before the descriptor. */
const xmlOf = (bytes: Uint8Array): string => {
  const name = "xl/worksheets/sheet1.xml"
  const at = Buffer.from(bytes).indexOf(name)
  return inflateRawSync(bytes.subarray(at + name.length)).toString()
}

const both = (bytes: Uint8Array) =>
  Effect.promise(() => Promise.all([XlsxFiles.byHucre(bytes), XlsxFiles.byReadExcelFile(bytes)]))

/** Without the fraction of a millisecond, which readers round in their own ways. */
const toSeconds = (cell: unknown): unknown =>
  cell instanceof Date ? `${new Date(Math.floor(cell.getTime() / 100) * 100).toISOString()} as a date` : cell

const odd = [
  "=1+1",
  "+14155550123",
  "-2",
  "@sum",
  "007",
  "1e5",
  "'x",
  " both ends ",
  "a\nb\r\nc\td",
  '<&>"]]>',
  "日本語 👩‍💻"
]
const escapes = ["_x0041_", "_x0041_x0042_", "__x005F_x0041_", "\u0000\u0007\u001b[31m", "\ufffe\uffff", "_x00zz_"]

describe("XlsxSink.make", () => {
  it.effect("has cells with types, as two readers see them", () =>
    Effect.gen(function* () {
      const timeZone = DateTime.zoneMakeNamedUnsafe("Asia/Kolkata")
      const rows: ReadonlyArray<Row> = [
        {
          id: "é",
          "crm.id": 42,
          count: -7,
          share: -0.1,
          cost: "12345.6789012345",
          at: "2026-07-31T20:16:10.150605Z",
          day: "2026-07-31",
          ok: true,
          tags: [{ b: "x" }],
          more: 1
        },
        {
          id: "",
          "crm.id": "42",
          count: 999_999_999_999_999,
          share: 1e-9,
          cost: "-0.000000000000001",
          ok: false,
          tags: {}
        },
        { "crm.id": { a: 1 }, count: 9_007_199_254_740_991, cost: "1.2345678901234567", day: "1900-02-28" },
        { "crm.id": true, share: 1.7976931348623157e308, cost: "free", at: "1900-01-01T00:00:00Z", day: "1900-03-01" }
      ]
      const sheets = yield* both(yield* written([rows], { timeZone }))
      for (const [[name, [names, ...cells]] = ["", []], ...others] of sheets) {
        assert.isEmpty(others)
        assert.strictEqual(name, "calls")
        assert.deepStrictEqual(names, [...columns.map(({ name }) => name), "extra"])
        assert.deepStrictEqual<unknown>(
          cells.map((row) => row.map((cell) => toSeconds(cell === "" ? null : cell))),
          [
            [
              "é",
              42,
              -7,
              -0.1,
              12345.6789012345,
              "2026-08-01T01:46:10.100Z as a date",
              "2026-07-31T00:00:00.000Z as a date",
              true,
              '[{"b":"x"}]',
              '{"more":1}'
            ],
            [null, "42", 999_999_999_999_999, 1e-9, -0.000000000000001, null, null, false, "{}", null],
            [null, '{"a":1}', "9007199254740991", null, "1.2345678901234567", null, "1900-02-28", null, null, null],
            [
              null,
              true,
              null,
              1.7976931348623157e308,
              null,
              "1900-01-01T00:00:00Z",
              "1900-03-01T00:00:00.000Z as a date",
              null,
              null,
              '{"cost":"free"}'
            ]
          ]
        )
      }
    })
  )

  it.effect("has text as it came, and no formula: also in the row of names", () =>
    Effect.gen(function* () {
      const texts = [...odd, ...escapes]
      const bytes = yield* written([texts.map((id) => ({ id, tags: { [id]: id } }))])
      for (const [[, [, ...cells]] = ["", []]] of yield* both(bytes)) {
        assert.deepStrictEqual(
          cells.map(([id]) => id),
          texts
        )
      }
      const xml = xmlOf(bytes)
      assert.notMatch(xml, /<f\b|t="str"|<v>[^<]*[=+@]/)
      assert.strictEqual(xml.match(/t="inlineStr"/g)?.length, 10 + 2 * texts.length)
    })
  )

  it.effect("names stay in sight, columns are wide enough, and digits as text are no mistake", () =>
    Effect.gen(function* () {
      const xml = xmlOf(yield* written([[{ id: "a" }], [{ id: "b" }]]))
      assert.include(xml, '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>')
      assert.strictEqual(xml.match(/<col /g)?.length, 10)
      assert.include(xml, '<col min="1" max="1" width="38" customWidth="1"/>')
      assert.include(xml, '<ignoredError sqref="A1:J3" numberStoredAsText="1"/>')
      assert.deepStrictEqual(
        Array.from(xml.matchAll(/<row r="(\d+)">/g), ([, number]) => number),
        ["1", "2", "3"]
      )
    })
  )

  it.effect("a text that is too long is cut, says so, and is counted", () =>
    Effect.gen(function* () {
      const most = 32_767
      const texts = [
        "x".repeat(most),
        "x".repeat(most + 1),
        `${"y".repeat(32_690)}${"😀".repeat(50)}`,
        "z".repeat(100_000)
      ]
      const bytes = yield* written([texts.map((id) => ({ id }))])
      for (const [[, [, ...cells]] = ["", []]] of yield* both(bytes)) {
        const found = cells.map(([id]) => String(id))
        assert.strictEqual(found[0], texts[0])
        assert.strictEqual(found[1]?.length, most)
        assert.isTrue(found[1]?.endsWith("x … [cut by callstream: 32,768 characters, a cell holds 32,767]"))
        assert.notInclude(found[2], "\ufffd")
        assert.isAtMost(found[2]?.length ?? Infinity, most)
        assert.match(found[3] ?? "", /^z+ … \[cut by callstream: 100,000 characters/)
      }
    })
  )

  it.effect("continues in a further sheet where one is full, also after it was stopped there", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 11 }, (_, at) => ({ id: `s${at}`, count: at }))
      const memory = MemoryFileSystem.make()
      const sink = XlsxSink.make({ path: XlsxFiles.path, deflater: XlsxFiles.deflater, rowsPerSheet: 4 })
      let committed: Committed | undefined
      for (const part of [rows.slice(0, 4), [], rows.slice(4, 5), rows.slice(5)]) {
        committed = yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(committed)))
            yield* writer.write(batchOf(part))
            return yield* writer.flush(Position.of(1))
          })
        ).pipe(Effect.provide(memory.layer))
      }
      yield* Effect.scoped(
        Effect.flatMap(sink.open(SessionSink.opening(Option.fromUndefinedOr(committed))), ({ finish }) => finish)
      ).pipe(Effect.provide(memory.layer))
      for (const sheets of yield* both(memory.node(XlsxFiles.path)?.data ?? new Uint8Array())) {
        assert.deepStrictEqual(
          sheets.map(([name, [names, ...cells]]) => [name, names?.[0], cells.map(([id]) => id)]),
          [
            ["calls", "id", ["s0", "s1", "s2", "s3"]],
            ["calls 2", "id", ["s4", "s5", "s6", "s7"]],
            ["calls 3", "id", ["s8", "s9", "s10"]]
          ]
        )
      }
    })
  )

  it.effect("takes back a batch of which only the first blocks came through", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 9000 }, (_, at) => ({ id: `s${at}`, tags: { text: "x".repeat(200) } }))
      const memory = MemoryFileSystem.make()
      const sink = XlsxSink.make({ path: XlsxFiles.path, deflater: XlsxFiles.deflater, rowsPerSheet: 3500 })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          for (const fails of [1, 2, 3]) {
            let writes = 0
            memory.intercept(({ method, path }) =>
              method === "file.writeAll" && ++writes === fails
                ? Effect.fail(MemoryFileSystem.failed(method, path, "ENOSPC"))
                : Effect.void
            )
            assert.isTrue((yield* Effect.flip(writer.write(batchOf(rows)))).retryable)
          }
          memory.intercept(() => Effect.void)
          yield* writer.write(batchOf(rows))
          yield* writer.finish
        })
      ).pipe(Effect.provide(memory.layer))
      for (const sheets of yield* both(memory.node(XlsxFiles.path)?.data ?? new Uint8Array())) {
        assert.deepStrictEqual(
          sheets.flatMap(([, [, ...cells]]) => cells.map(([id]) => id)),
          rows.map(({ id }) => id)
        )
      }
    })
  )

  it.effect("without a row it is a sheet with names, also when nobody ever gave them", () =>
    Effect.gen(function* () {
      for (const [batches, width] of [
        [[[]], 10],
        [[], 1]
      ] as const) {
        for (const [[, [names, ...cells]] = ["", []]] of yield* both(yield* written(batches))) {
          assert.lengthOf(names ?? [], width)
          assert.isEmpty(cells)
        }
      }
    })
  )

  it.effect("refuses a file that another program changed, at any place", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 900 }, (_, at) => ({ id: `${at * 7919}`, tags: { at } }))
      for (const place of [0, 40, 2000, 5000, 6000]) {
        const memory = MemoryFileSystem.make()
        const sink = XlsxSink.make({ path: XlsxFiles.path, deflater: XlsxFiles.deflater })
        const error = yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening())
            yield* writer.write(batchOf(rows))
            yield* writer.flush(Position.of(1))
            const data = memory.node(`${XlsxFiles.path}.partial`)?.data
            assert.isAbove(data?.length ?? 0, 6000 + 4096)
            if (data !== undefined) data[place] = (data[place] ?? 0) ^ 1
            return yield* Effect.flip(writer.finish)
          })
        ).pipe(Effect.provide(memory.layer))
        assert.include(error.description, "another program")
        assert.isUndefined(memory.node(XlsxFiles.path))
      }
    })
  )
})

describe("Workbook", () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      start: undefined,
      text: `<row r="\u0000"><c r="A\u0000"><v>${at}</v></c></row>`
    }))

  const grown = Effect.fnUntraced(function* (limits: Workbook.Limits, counts: ReadonlyArray<number>) {
    const writer = Workbook.make(XlsxFiles.deflater, () => [{ name: "n", type: "integer" }], limits)
    let state = Workbook.empty
    const pieces: Array<Uint8Array> = []
    for (const count of counts) {
      const step = yield* writer.add(state, lines(count))
      pieces.push(step.bytes)
      ;({ state } = step)
    }
    const end = writer.end(state)
    const bytes = Buffer.concat([...pieces, end.bytes])
    assert.strictEqual(bytes.length, end.state.bytes)
    assert.strictEqual(XlsxFiles.deflater.crc32(bytes, 0), end.state.crc)
    return bytes
  })

  it.effect("writes far places in the way of ZIP64, and near ones without", () =>
    Effect.gen(function* () {
      const far = yield* grown({ ...Workbook.limits, rows: 3, plain: 2000 }, [2, 5, 3])
      const near = yield* grown({ ...Workbook.limits, rows: 3 }, [2, 5, 3])
      const end = [0x50, 0x4b, 0x06, 0x06]
      assert.isAbove(far.indexOf(Uint8Array.from(end)), 0)
      assert.strictEqual(near.indexOf(Uint8Array.from(end)), -1)
      assert.isAbove(far.length, near.length)
      // Readers of ZIP64 look at its records only where this is in place of the number.
      assert.strictEqual(far.readUInt32LE(far.length - 6), 0xffff_ffff)
      assert.isBelow(near.readUInt32LE(near.length - 6), near.length)
      for (const bytes of [far, near]) {
        for (const sheets of yield* both(bytes)) {
          assert.deepStrictEqual(
            sheets.map(([, [, ...rows]]) => rows.length),
            [3, 3, 3, 1]
          )
        }
      }
    })
  )

  it.effect("begins another sheet before the XML of one is too large for ZIP", () =>
    Effect.gen(function* () {
      const bytes = yield* grown({ ...Workbook.limits, bytes: 880 }, [4, 4, 4, 30, 4])
      for (const sheets of yield* both(bytes)) {
        assert.deepStrictEqual(
          sheets.map(([, [, ...rows]]) => rows.length),
          [12, 30, 4]
        )
      }
    })
  )
})
