import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Shown from "../../../src/history/internal/Shown.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import type * as Micros from "../../../src/endpoint/internal/Micros.ts"
import { began, day, hour, item, second } from "./FakeServer.ts"

const from = began - 10 * day
const to = began - 4 * day
const middle = began - 7 * day
const range = { from, to }
const starts = [from + hour, from + 2 * hour, to - 2 * hour, to - hour]

const ends = { whole: false, fromOldest: false, newestFirst: false }
const ofWhole = { ...ends, whole: true }

/** Calls of the range, delivered in one window. */
const delivered = (calls: ReadonlyArray<number> = starts) => {
  const shown = Shown.make([range])
  const items = calls.map((start, i) => item(`row-${i}`, start))
  for (const { id } of items) shown.ids.add(id)
  const about = { rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began } as const
  shown.delivered.add(Windows.make(items, { ...range, ...about }), { first: 0, end: items.length })
  Shown.reach(shown, range)
  return shown
}

const logOf = (
  kind: "counts" | "places" | "sure" | "failing",
  counted: NotedCounts.Counted,
  paged?: Pick<NotedCounts.Paged, "isFirst" | "length" | "size">
): Ask.Log => {
  const log = Ask.makeLog()
  NotedCounts.noteCount(log[kind], counted, counted.rows)
  if (paged !== undefined) NotedCounts.notePage(log.lengths, { ...counted, ...paged })
  return log
}

const bounds = { after: from, before: to }
const everything = { after: -Infinity, before: Infinity }
const nothingBesides = { starts: [], withoutStart: 0 }

describe("Shown", () => {
  it("joins ranges that touch or overlap, and keeps others apart", () => {
    const of = (...all: ReadonlyArray<readonly [number, number]>) =>
      Shown.joined(all.map(([from, to]) => ({ from, to }))).map(({ from, to }) => [from, to])
    assert.deepStrictEqual(of([4, 6], [0, 2]), [
      [0, 2],
      [4, 6]
    ])
    assert.deepStrictEqual(of([2, 4], [0, 2]), [[0, 4]])
    assert.deepStrictEqual(of([0, 9], [2, 4]), [[0, 9]])
  })

  it("an instant at which one part ends belongs to what lies behind it", () => {
    const shown = Shown.make([{ from: 0, to: 10 }])
    assert.deepStrictEqual(
      [Shown.isRead(shown, 0), Shown.isRead(shown, 9), Shown.isRead(shown, 10)],
      [true, true, false]
    )
  })

  it("of what is listed again it keeps only what did not come", () => {
    const shown = delivered()
    Shown.noteRow(shown, ends, "row-1", starts[1])
    Shown.noteRow(shown, ends, "late", starts[1])
    assert.deepStrictEqual([...shown.late.keys()], ["late"])
    assert.isEmpty(shown.awaited)
  })

  it("a call that is newer than the range is no older one", () => {
    for (const [start, isOlder] of [
      [to + hour, false],
      [from - hour, true]
    ] as const) {
      const shown = Shown.make([range])
      Shown.noteRow(shown, { ...ends, fromOldest: true }, "elsewhere", start)
      assert.strictEqual(shown.older, isOlder)
    }
  })

  it("calls just beside the range are in counts that reach there, once, and also at a bound", () => {
    const wide = { after: from - second, before: to + second }
    const besides = (start: number, key = "beside") => {
      const shown = delivered()
      Shown.noteRow(shown, ends, key, start)
      const { at, within } = Shown.between(shown, wide)
      return [within - starts.length, at]
    }
    assert.deepStrictEqual(besides(from - second / 2), [1, 0])
    assert.deepStrictEqual(besides(to + second / 2), [1, 0])
    assert.deepStrictEqual(besides(from - second), [0, 1])
    assert.deepStrictEqual(besides(to + second), [0, 1])
    assert.deepStrictEqual(besides(from - 2 * second), [0, 0])
    assert.deepStrictEqual(besides(to + 2 * second), [0, 0])
    // It came with a start in the range: counted twice it would hide another one that did not come.
    assert.deepStrictEqual(besides(to + second / 2, "row-3"), [0, 0])
  })

  it("a call far from the range explains no count: it comes at the end, or it is lacking", () => {
    for (const start of [from - hour, to + hour]) {
      const shown = delivered()
      Shown.noteRow(shown, ofWhole, "far", start)
      Shown.note(shown, ofWhole, { log: logOf("counts", { ...everything, rows: 5 }) })
      assert.isFalse(Shown.isExplained(shown, false, nothingBesides))
      assert.isTrue(Shown.isExplained(shown, false, { starts: [start], withoutStart: 0 }))
      Shown.note(shown, ofWhole, { log: logOf("counts", { ...everything, rows: 6 }) })
      assert.isFalse(Shown.isExplained(shown, false, { starts: [start], withoutStart: 0 }))
    }
  })

  it("only bounds that reach no further than what is read are evidence, unless the whole history is read", () => {
    const parts = [
      { from, to: from + day },
      { from: to - day, to }
    ]
    const cases: ReadonlyArray<readonly [Ask.Between, Shown.Ends, ReadonlyArray<Micros.Range>, boolean]> = [
      [bounds, ends, [range], true],
      [{ after: from - 4 * second, before: to + 4 * second }, ends, [range], true],
      [{ after: from - 5 * second, before: to }, ends, [range], false],
      [{ after: from, before: to + 5 * second }, ends, [range], false],
      [everything, ends, [range], false],
      [everything, ofWhole, [range], true],
      // What lies between the parts was read before.
      [everything, ofWhole, parts, false]
    ]
    for (const [counted, ends, parts, isOne] of cases) {
      const about = JSON.stringify({ counted, parts })
      const shown = Shown.make(parts)
      for (const kind of ["counts", "places", "sure", "failing"] as const) {
        Shown.note(shown, ends, { log: logOf(kind, { ...counted, rows: 3 }) })
        assert.strictEqual(shown[kind].size, isOne ? 1 : 0, `${kind} ${about}`)
      }
      Shown.note(shown, ends, { log: logOf("places", { ...counted, rows: 3 }, { size: 2, length: 1, isFirst: false }) })
      assert.strictEqual(shown.lengths.size, isOne ? 1 : 0, about)
    }
  })

  it("a count is evidence as far as it is older than the horizon, and so are its bounds", () => {
    const shown = delivered()
    Shown.note(shown, ends, { log: logOf("counts", { ...bounds, rows: 6 }) })
    const lacking = (horizon: number) =>
      Shown.lacking(shown, "counts", horizon).map(({ calls, from, to }) => [calls, from, to])
    // Bounds reach into the windows beside that of which they are, and the call may lie there.
    assert.deepStrictEqual(lacking(to), [[2, from, to + 1]])
    assert.deepStrictEqual(lacking(to - 4 * second), [[2, from, to + 1]])
    assert.isEmpty(lacking(to - 5 * second))
  })

  it("a call at one of the bounds may have been counted", () => {
    const [after = 0, , , before = 0] = starts
    for (const rows of [4, 5]) {
      const shown = delivered()
      Shown.note(shown, ends, { log: logOf("counts", { after, before, rows }) })
      Shown.note(shown, ends, { log: logOf("failing", { after, before, rows }) })
      assert.lengthOf(Shown.lacking(shown, "counts", began), rows - 4)
      assert.lengthOf(Shown.vanished(shown), rows - 4)
    }
  })

  it("a record that failed between calls of its own start must come, too", () => {
    for (const rows of [2, 3]) {
      const shown = delivered([middle, middle])
      Shown.note(shown, ends, { log: logOf("failing", { after: middle, before: middle, rows }) })
      assert.lengthOf(Shown.vanished(shown), rows - 2)
    }
  })

  it("what was counted before the first window is evidence beyond the horizon, too", () => {
    for (const kind of ["counts", "places", "sure"] as const) {
      const shown = delivered()
      Shown.noteEarly(shown, ends, logOf(kind, { ...bounds, rows: 5 }))
      assert.lengthOf(Shown.lacking(shown, kind, from), 1, kind)
    }
    // Calls without a start time are in a count without bounds, and others in wider ones.
    for (const [wide, about] of [
      [everything, ofWhole],
      [{ after: from - hour, before: to }, ends]
    ] as const) {
      const shown = delivered()
      Shown.noteEarly(shown, about, logOf("counts", { ...wide, rows: 5 }))
      assert.isEmpty(Shown.lacking(shown, "counts", from))
    }
  })

  it("finds the count that is least of what came, where no call can have come since", () => {
    const shown = delivered()
    const note = (counted: NotedCounts.Counted) => Shown.note(shown, ends, { log: logOf("counts", counted) })
    note({ ...bounds, rows: 1 })
    note({ after: from, before: to - 1.5 * hour, rows: 2 })
    assert.strictEqual(Shown.least(shown, to)?.rows, 1)
    assert.strictEqual(Shown.least(shown, to - hour)?.rows, 2)
    assert.isUndefined(Shown.least(shown, from))
    assert.isUndefined(Shown.least(Shown.make([range]), to))
  })

  it("calls without a start time are in counts without bounds alone", () => {
    for (const [counted, isOne] of [
      [bounds, false],
      [{ after: from, before: Infinity }, false],
      [{ after: -Infinity, before: to }, false],
      [everything, true]
    ] as const) {
      const shown = delivered()
      Shown.note(shown, ofWhole, { log: logOf("counts", { ...counted, rows: 5 }) })
      assert.strictEqual(Shown.isExplained(shown, false, { starts: [], withoutStart: 1 }), isOne)
    }
  })

  it("calls that come at the end are in the counts of bounds that hold them, and at whose ends they start", () => {
    const later = to - second
    for (const counted of [bounds, { after: from, before: later }]) {
      const shown = delivered()
      Shown.note(shown, ofWhole, { log: logOf("counts", { ...counted, rows: 5 }) })
      assert.isTrue(Shown.isExplained(shown, false, { starts: [later], withoutStart: 0 }))
      assert.isFalse(Shown.isExplained(shown, false, { starts: [to + hour], withoutStart: 0 }))
    }
  })
})

describe("a page that may be another one again", () => {
  interface Page {
    readonly place: number
    readonly length: number
    readonly size?: number
    readonly isFirst?: boolean
  }

  const noted = (
    { isFirst = false, length, place, size = 3 }: Page,
    counted?: number,
    shown: Shown.Shown = delivered()
  ) => {
    Shown.note(shown, ends, { log: logOf("places", { ...bounds, rows: place }, { isFirst, length, size }) })
    if (counted !== undefined) Shown.note(shown, ends, { log: logOf("counts", { ...bounds, rows: counted }) })
    return shown
  }

  it("is evidence only if it is as long as no page of what came", () => {
    const lacks = (page: Page, counted?: number) => Shown.unrepeated(noted(page, counted)).size
    // Of four, three a page, the last page has one, and the first one three.
    assert.strictEqual(lacks({ place: 7, length: 1 }), 0)
    assert.strictEqual(lacks({ place: 8, length: 2 }), 1)
    assert.strictEqual(lacks({ place: 9, length: 3 }), 1)
    assert.strictEqual(lacks({ place: 9, length: 3, isFirst: true }), 0)
    // In its own place: a call may have come since.
    assert.strictEqual(lacks({ place: 3, length: 1, size: 2 }), 0)
    // A limit cut the list to two, of which it may be the page, if it is the first one; a count of three explains no such page.
    assert.strictEqual(lacks({ place: 8, length: 2, isFirst: true }, 2), 0)
    assert.strictEqual(lacks({ place: 8, length: 2 }, 2), 1)
    assert.strictEqual(lacks({ place: 8, length: 2 }, 3), 1)
    assert.strictEqual(lacks({ place: 8, length: 2 }, 5), 1)
  })

  it("may be one of a list with the calls at its bounds, and of one without them", () => {
    const [after = 0] = starts
    for (const [length, lacks] of [
      [1, 0],
      [2, 1],
      [3, 0]
    ] as const) {
      const shown = delivered()
      const counted = { after, before: to, rows: 6 + length }
      Shown.note(shown, ends, { log: logOf("places", counted, { length, size: 3, isFirst: true }) })
      assert.strictEqual(Shown.unrepeated(shown).size, lacks)
    }
  })

  it("repeats nothing of a list that is empty, and is compared also where it is longer than was asked for", () => {
    assert.strictEqual(Shown.unrepeated(noted({ place: 2, length: 1, size: 1 }, undefined, delivered([]))).size, 1)
    const [longer] = Shown.unrepeated(noted({ place: 9, length: 5 })).values()
    assert.strictEqual(longer?.rows, 4 + 3)
  })

  const isExplained = (shown: Shown.Shown, starts: ReadonlyArray<number> = []) =>
    Shown.isExplained(shown, true, { starts, withoutStart: 0 })

  it("does not agree with what came if it is of a longer list", () => {
    assert.isTrue(isExplained(noted({ place: 7, length: 1 }, 4)))
    assert.isFalse(isExplained(noted({ place: 8, length: 2 }, 4)))
    // In its own place.
    assert.isTrue(isExplained(noted({ place: 3, length: 1, size: 2 }, 4)))
    // A limit cut the list, or may have: it was never counted.
    assert.isTrue(isExplained(noted({ place: 8, length: 2 }, 3)))
    assert.isTrue(isExplained(noted({ place: 8, length: 2 })))
  })

  it("may be of before the latest calls came", () => {
    const later = to - second
    // Four calls: one on the last page. Five: two.
    assert.isTrue(isExplained(noted({ place: 7, length: 1 }, 4), [later]))
    assert.isTrue(isExplained(noted({ place: 8, length: 2 }, 4), [later]))
    assert.isFalse(isExplained(noted({ place: 9, length: 3 }, 4), [later]))
    const shown = noted({ place: 9, length: 3 }, 3)
    assert.isTrue(isExplained(shown))
    const young = noted({ place: 9, length: 3, isFirst: true }, 4)
    young.later = 1
    assert.isTrue(isExplained(young))
  })
})
