import { assert, describe, it } from "@effect/vitest"
import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import * as Misplaced from "../../../src/endpoint/internal/Misplaced.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"

const second = 1_000_000
const began = Instant.parse("2026-05-01T00:00:00Z") ?? Instant.of(0)
const at = (seconds: number) => Instant.format(Instant.of(began + seconds * second))

/** Rows by their start and their creation, in seconds; a start may also be text that is no time. */
type Call = readonly [start: number | string | undefined, created: number | undefined]

const rowsOf = (...calls: ReadonlyArray<Call>) =>
  Rows.ofPage({
    page: 1,
    rows: CallRows.ofSessions(
      calls.map(([start, created], i) => ({
        id: `call-${i}`,
        ...(start === undefined ? {} : { startedAt: typeof start === "string" ? start : at(start) }),
        ...(created === undefined ? {} : { createdAt: at(created) })
      })),
      began
    ),
    rejected: [],
    total: undefined,
    observedAt: began,
    age: 0,
    edition: "camelCase"
  })

const problemIn = (...calls: ReadonlyArray<Call>) =>
  Misplaced.problemIn(rowsOf(...calls), began, began + 100 * second)?._tag

describe("rows that do not belong to bounds", () => {
  it("are those that start elsewhere, and those without a start time that were created elsewhere or at no known time", () => {
    assert.isUndefined(problemIn([0, -50], [100, 100]))
    assert.strictEqual(problemIn([50, 50], [-1, 50]), "OutsideBounds")
    assert.strictEqual(problemIn([50, 50], [101, 50]), "OutsideBounds")
    assert.strictEqual(problemIn([50, 50], [undefined, -1]), "WithoutStartInBounds")
    assert.strictEqual(problemIn([50, 50], [undefined, 101]), "WithoutStartInBounds")
    assert.strictEqual(problemIn([50, 50], [undefined, undefined]), "WithoutStartInBounds")
  })

  it("are not those without a start time that were created in the bounds, nor one whose start is no time", () => {
    assert.isUndefined(problemIn([50, 50], [undefined, 0], [undefined, 100]))
    assert.isUndefined(problemIn([50, 50], ["yesterday", -7]))
  })

  it("say that a call starts elsewhere rather than that one has no start: then the bounds are not understood", () => {
    assert.strictEqual(problemIn([undefined, -1], [101, 50]), "OutsideBounds")
  })
})

describe("calls without a start time that came for bounds", () => {
  const placed = (bounds: { readonly after?: number; readonly before?: number }) => {
    const found = new Map<string, number>()
    const calls = rowsOf([50, 50], [undefined, -1], [undefined, 20], [undefined, 102], ["yesterday", 30])
    Misplaced.notePlaced(found, bounds, calls)
    return [...found]
  }

  it("are noted with their creation, if that is within the bounds by a second", () => {
    assert.deepStrictEqual(placed({ after: began, before: began + 100 * second }), [
      ["call-1", began - second],
      ["call-2", began + 20 * second]
    ])
  })

  it("are not noted if a bound is missing: a list without bounds shows no places", () => {
    assert.deepStrictEqual(placed({ before: began + 100 * second }), [])
    assert.deepStrictEqual(placed({ after: began }), [])
  })
})
