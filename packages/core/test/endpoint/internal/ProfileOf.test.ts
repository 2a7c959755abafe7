/** What the answers to all probes make of the profile. */
import { assert, describe, it } from "@effect/vitest"
import type { CoverageReason } from "../../../src/coverage/CoverageReason.ts"
import type * as FilterProbe from "../../../src/endpoint/internal/FilterProbe.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { FirstPages } from "../../../src/endpoint/internal/FirstPages.ts"
import type { ListShape, Old } from "../../../src/endpoint/internal/ListShape.ts"
import type * as Probing from "../../../src/endpoint/internal/Probing.ts"
import * as ProfileOf from "../../../src/endpoint/internal/ProfileOf.ts"
import * as Effect from "effect/Effect"
import { began, hour, second } from "../../history/internal/FakeServer.ts"
import * as Histories from "../../torture/Histories.ts"
import { firstPagesOf, probingOf, profileOf, rows, undated } from "./ProbeParts.ts"

const probing = (rest: Partial<Probing.Probing> = {}): Probing.Probing =>
  probingOf(() => Effect.die(new Error("a request")), rest)

const shapeOf = (rest: Partial<ListShape> = {}): ListShape => ({
  sortBy: "none",
  newestFirst: true,
  newestRows: [],
  trusted: false,
  needsDepth: false,
  depth: { pages: [], pagesAtMost: 0, unsure: false },
  repeats: Effect.succeed(false),
  plain: undefined,
  samples: [],
  ...rest
})

const controls = rows("row", began - 10 * hour, began - 9 * hour, began)
const unknown: FilterProbe.FilterAnswers = { agentId: "unknown", channel: "unknown", callerNumber: "unknown" }
const outside: CoverageReason = { _tag: "OutsideBounds" }

describe("ProfileOf.problemOf", () => {
  const problem = (
    rest: Partial<Probing.Probing>,
    known: typeof controls = controls,
    bounds?: CoverageReason,
    first: Partial<FirstPages> = { first: known }
  ) =>
    ProfileOf.problemOf(
      probing(rest),
      firstPagesOf(first),
      known,
      { agentId: "ignored", channel: "understood", callerNumber: "unknown" },
      bounds
    )

  it("is what a filter does that is in use and was tried, or else what bounds do", () => {
    const tried = ["agentId", "channel", "callerNumber"] as const
    const fails = { _tag: "FilterFails", filter: "agentId", answer: "ignored" } as const
    assert.isUndefined(problem({}))
    assert.strictEqual(problem({}, controls, outside), outside)
    assert.deepStrictEqual(problem({ filters: { agentId: "a", channel: "voice" }, tried }, controls, outside), fails)
    assert.deepStrictEqual(problem({ filters: { channel: "voice", callerNumber: "1" }, tried }), {
      ...fails,
      filter: "callerNumber",
      answer: "unknown"
    })
    assert.deepStrictEqual(problem({ filters: { callerNumber: "1", agentId: "a" }, tried }), fails)
    assert.isUndefined(problem({ filters: { channel: "voice" }, tried }))
    assert.strictEqual(problem({ filters: { channel: "voice" }, tried }, controls, outside), outside)
    // One that is not in use is tried only because somebody asks about the endpoint.
    assert.isUndefined(problem({ tried }))
    assert.isUndefined(problem({ filters: { agentId: "a" } }))
  })

  it("without any call with a start is that, or that a filter could not be tried", () => {
    const none = { first: [] }
    assert.deepStrictEqual(problem({}, [], undefined, { first: [undated("a")] }), { _tag: "NoStartSeen" })
    assert.deepStrictEqual(problem({}, [], undefined, { first: [], fails: true }), { _tag: "NoStartSeen" })
    assert.isUndefined(problem({}, [], undefined, none))
    for (const filters of [{ status: "busy" }, { search: "a" }] as const) {
      assert.deepStrictEqual(problem({ filters }, [], undefined, none), { _tag: "FilterUntried" })
      assert.isUndefined(problem({ filters }))
      assert.isUndefined(problem({ filters }, controls.slice(0, 1), undefined, none))
    }
    assert.isUndefined(problem({ filters: { agentId: "a" } }, [], undefined, none))
    assert.strictEqual(problem({ filters: { status: "busy" } }, [], outside, none), outside)
  })
})

describe("ProfileOf.aboutOf", () => {
  const about = (
    rest: { readonly measured?: number; readonly oldest?: number | undefined; readonly rate?: number } = {},
    {
      first,
      of = controls,
      probe,
      trusted = false
    }: {
      readonly first?: Partial<FirstPages>
      readonly of?: typeof controls
      readonly probe?: Partial<Probing.Probing>
      readonly trusted?: boolean
    } = {}
  ) =>
    ProfileOf.aboutOf(probing(probe), firstPagesOf(first), shapeOf({ trusted }), of, {
      measured: rest.measured,
      oldest: "oldest" in rest ? rest.oldest : began - 100 * hour,
      rate: rest.rate ?? 1 / hour
    })

  const first = [...rows("first", began, began, began), undated("a")]
  const known = profileOf({ calls: 77 })

  it("is what was measured, else all that came, else what a profile knows, else what the rate makes of the time", () => {
    const all = { first: { ended: true, first }, probe: { known }, trusted: true }
    assert.strictEqual(about({ measured: 5 }, all), 5)
    assert.strictEqual(about({ measured: 0 }, all), 0)
    assert.strictEqual(about({}, all), 4)
    assert.strictEqual(about({}, { ...all, first: { ended: true, clamped: true, first } }), 77)
    assert.strictEqual(about({}, { ...all, first: { first } }), 77)
    assert.strictEqual(about({}, { probe: { known } }), 100)
    assert.strictEqual(about({}, { probe: { known, isFiltered: true }, trusted: true }), 100)
    assert.strictEqual(about({}, { probe: { known: profileOf() }, trusted: true }), 100)
    assert.strictEqual(about({}, { trusted: true }), 100)
  })

  it("is no less than the rows that are known", () => {
    assert.strictEqual(about({ rate: 0 }), 3)
    assert.strictEqual(about({ oldest: undefined }), 3)
    assert.strictEqual(about({}, { of: [] }), 0)
  })
})

describe("ProfileOf.rateOf", () => {
  it("is rows a µs, where they lie apart: as many as there are intervals", () => {
    assert.strictEqual(ProfileOf.rateOf(), 0)
    assert.strictEqual(ProfileOf.rateOf([]), 0)
    assert.strictEqual(ProfileOf.rateOf(rows("two", 0, 100)), 0)
    assert.strictEqual(ProfileOf.rateOf(rows("same", 5, 5, 5)), 0)
    assert.strictEqual(ProfileOf.rateOf(rows("three", 100, 0, 40)), 2 / 100)
    assert.strictEqual(ProfileOf.rateOf(rows("near", 5, 5, 6)), 2)
    assert.strictEqual(ProfileOf.rateOf([...rows("three", 100, 0, 40), undated("a")]), 2 / 100)
    assert.strictEqual(ProfileOf.rateOf(rows("three", 100, 0, 40), [], rows("five", 1, 2, 3, 4, 11)), (0.02 + 0.4) / 2)
  })

  it("is that of rows that are evenly apart, in any order", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { next } = Histories.random(seed)
      const apart = 1 + Math.floor(next() * 1e9)
      const starts = Array.from({ length: 3 + Math.floor(next() * 50) }, (_, i) => began + i * apart)
      const shuffled = starts.toSorted(() => next() - 0.5)
      assert.closeTo(ProfileOf.rateOf(rows("row", ...shuffled)) * apart, 1, 1e-9, `seed ${seed}`)
    }
  })
})

describe("ProfileOf.make", () => {
  const old: Old = { ascending: "understood", comesOldest: true }
  const found = { pagesAtMost: 8, repeatsBeyondEnd: true, filters: unknown, problem: undefined }

  const make = (
    parts: {
      readonly probe?: Partial<Probing.Probing>
      readonly first?: Partial<FirstPages>
      readonly shape?: Partial<ListShape>
      readonly old?: Old
      readonly found?: Partial<Parameters<typeof ProfileOf.make>[4]>
    } = {}
  ) =>
    ProfileOf.make(probing(parts.probe), firstPagesOf(parts.first), shapeOf(parts.shape), parts.old ?? old, {
      ...found,
      ...parts.found
    })

  it("has what was seen, and the rest is unknown", () => {
    assert.deepStrictEqual(make(), profileOf({ repeatsBeyondEnd: true, order: "unknown" }))
    const all = make({
      probe: { asked: 50, isDeep: true, localNow: began - 7 * second - 400_000 },
      first: { size: 20, clamped: true, refused: 50 },
      shape: { sortBy: "startedAt", newestFirst: false, plain: controls },
      found: { problem: outside, filters: { ...unknown, channel: "understood" }, repeatsBeyondEnd: false }
    })
    assert.deepStrictEqual(all, {
      ...profileOf(),
      pageSizeAsked: 50,
      pageSize: 20,
      clamped: true,
      pageSizeRefused: 50,
      pagesAtMost: 8,
      order: "start-asc",
      sortFields: { started_at: "understood", startedAt: "understood" },
      sortBy: "startedAt",
      newestFirst: false,
      filters: { ...unknown, channel: "understood" },
      filterProblem: outside,
      clockOffset: 7_400_000
    })
  })

  it("has the clock of the answer when it came, also one of a cache", () => {
    const answer = { rows: [], observedAt: began, edition: undefined, characters: 0 }
    assert.deepInclude(make({ first: { answer: { ...answer, age: 3 } } }), {
      clockOffset: 3 * second,
      edition: "unknown",
      observedAt: "2026-06-01T00:00:00Z"
    })
    assert.strictEqual(make({ probe: { localNow: began + 0.4 } }).clockOffset, -0)
  })

  it("has the number of pages only where all of them were looked for, without a filter", () => {
    assert.strictEqual(make({ probe: { isDeep: true } }).pagesAtMost, 8)
    assert.notProperty(make({ probe: { isDeep: true, isFiltered: true } }), "pagesAtMost")
    assert.notProperty(make(), "pagesAtMost")
  })

  it("says that sizes are rounded, where it was seen now or before", () => {
    const rounds = { ...Ask.makeLog(), rounds: true }
    assert.isTrue(make({ probe: { log: rounds } }).roundsPageSize)
    assert.isTrue(make({ probe: { known: profileOf({ roundsPageSize: true }) } }).roundsPageSize)
    assert.notProperty(make({ probe: { known: profileOf({ roundsPageSize: false }) } }), "roundsPageSize")
    assert.notProperty(make({ probe: { known: profileOf() } }), "roundsPageSize")
  })

  it("keeps what another profile knows and these probes do not ask", () => {
    const bounds = { after: "included", before: "not included", precision: "second", zone: "UTC" } as const
    const known = profileOf({ offsets: "asked", order: "created-asc", bounds })
    assert.deepInclude(make({ probe: { known } }), { offsets: "asked", order: "created-asc", bounds })
    assert.deepInclude(make({ probe: { known }, shape: { plain: controls } }), { order: "start-asc" })
  })

  it("has for each sort field what was seen of it", () => {
    const fields = (shape: Partial<ListShape>, ascending: Old["ascending"] = "ignored") =>
      make({ shape, old: { ascending, comesOldest: false } }).sortFields
    assert.deepStrictEqual(fields({ sortBy: "started_at" }), { started_at: "understood", startedAt: "unknown" })
    assert.deepStrictEqual(fields({ sortBy: "startedAt", plain: [] }), {
      started_at: "ignored",
      startedAt: "understood"
    })
    assert.deepStrictEqual(fields({ plain: [] }), { started_at: "ignored", startedAt: "unknown" })
    assert.deepStrictEqual(fields({}), { started_at: "unknown", startedAt: "unknown" })
  })
})
