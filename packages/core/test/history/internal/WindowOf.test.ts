import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import type { Coverage } from "../../../src/history/Coverage.ts"
import { windowsOf } from "../../../src/history/internal/WindowOf.ts"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { askOf, began, control, hour, item, known, open, settingsOf } from "./FakeServer.ts"

const range = { from: began - 6 * hour, to: began - hour }
/** Two hours before now. */
const horizon = began - 2 * hour
const proven: Coverage = { _tag: "Proven" }

const row = (id: string, start: number): Rows.Row => ({
  key: id,
  start: Instant.of(start),
  item: item(id, start),
  rejected: undefined
})

const broken = (id: string, start: number | undefined): Rows.Row => ({
  key: id,
  start: start === undefined ? undefined : Instant.of(start),
  item: undefined,
  rejected: {
    stage: "range",
    reason: "it is broken",
    raw: { id },
    page: 1,
    index: 0,
    observedAt: Version.of(Instant.of(began))
  }
})

const rows = [
  row("old", range.from),
  row("young", horizon),
  broken("broken", horizon - 1),
  broken("nowhere", undefined)
]

const windows = (
  held: Rows.Held,
  { at = began, coverage = proven, of = range }: { at?: number; coverage?: Coverage; of?: typeof range } = {}
) => {
  const server = open([])
  const ask = askOf(server)
  Object.assign(ask.log, { requests: 7, observedAt: at } satisfies Partial<Ask.Log>)
  const settings = settingsOf(server, { controls: [control("old", range.from)] })
  return windowsOf(settings, known(), ask, of, held, coverage)
}

const holding = (...pages: ReadonlyArray<ReadonlyArray<Rows.Row>>) => {
  const held = Rows.makeHeld()
  for (const page of pages) held.add(page)
  return held
}

const shortOf = (all: ReturnType<typeof windows>) =>
  all.map(({ coverage, from, rows, to }) => ({
    from,
    to,
    tag: coverage._tag,
    ids: CallRows.items(rows).map(({ id }) => id)
  }))

describe("windowsOf", () => {
  it("is proven up to the horizon, and a window of its own behind it", () => {
    assert.deepStrictEqual<unknown>(shortOf(windows(holding(rows))), [
      { from: range.from, to: horizon, tag: "Proven", ids: ["old"] },
      { from: horizon, to: range.to, tag: "Provisional", ids: ["young"] }
    ])
    // An answer from a clock that is behind moves the horizon.
    assert.deepStrictEqual<unknown>(shortOf(windows(holding(rows), { at: began - hour })), [
      { from: range.from, to: horizon - hour, tag: "Proven", ids: ["old"] },
      { from: horizon - hour, to: range.to, tag: "Provisional", ids: ["young"] }
    ])
  })

  it("is one where all is older or younger, and where it is not proven anyway", () => {
    const one = (of: typeof range, coverage: Coverage = proven) =>
      windows(holding(rows), { of, coverage }).map(({ coverage: { _tag } }) => _tag)
    assert.deepStrictEqual(one({ from: range.from, to: horizon }), ["Proven"])
    assert.deepStrictEqual(one({ from: range.from, to: horizon - hour }), ["Proven"])
    assert.deepStrictEqual(one({ from: horizon, to: range.to }), ["Provisional"])
    assert.deepStrictEqual(one({ from: horizon + 1, to: range.to }), ["Provisional"])
    const reason = { _tag: "OutsideBounds" } as const
    assert.deepStrictEqual(one(range, { _tag: "Unprovable", reason }), ["Unprovable"])
  })

  it("counts its requests once, and has the time of its answers", () => {
    const all = windows(holding(rows))
    assert.deepStrictEqual(
      all.map(({ requests }) => requests),
      [7, 0]
    )
    for (const { observedAt } of all) assert.strictEqual<number>(observedAt, began)
  })

  it("has the records of its time that cannot be decoded, and those that have none", () => {
    const [old, young] = windows(holding(rows))
    const ids = (window: typeof old) => window?.rejected.map((record) => Rows.idOf(record))
    assert.deepStrictEqual(ids(old), ["broken", "nowhere"])
    assert.deepStrictEqual(ids(young), ["nowhere"])
    const dated = { ...row("without", 0), start: undefined }
    assert.deepStrictEqual(ids(windows(holding([...rows, dated]))[1]), ["nowhere"])
  })

  it("has the rows that a page listed again, of its own time, so that a count agrees", () => {
    const twice = [...rows, row("old", range.from), row("old", range.from)]
    assert.deepStrictEqual(
      windows(holding(twice)).map(({ extra }) => extra),
      [2, undefined]
    )
    // A page that overlaps with the one before it lists none twice.
    assert.isUndefined(windows(holding(rows, rows))[0]?.extra)
  })
})
