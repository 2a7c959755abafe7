import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import { earliestStart } from "@callstream/core/model/Limits"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Clocks from "../../../src/endpoint/internal/Clocks.ts"
import type * as Probes from "../../../src/endpoint/internal/Probes.ts"
import type { Asked } from "../../../src/history/internal/Asked.ts"
import * as Beginning from "../../../src/history/internal/Beginning.ts"
import * as Partitioner from "../../../src/history/internal/Partitioner.ts"
import * as Settings from "../../../src/history/internal/Settings.ts"
import { page } from "../Walking.ts"
import { began, control, day, hour, item, second } from "./FakeServer.ts"

const oldest = began - 300 * day

/** Probes of an endpoint that saw where its calls begin. */
const seen = ({ profile, ...rest }: Partial<Probes.Seen> = {}): Probes.Seen => ({
  profile: profile ?? profileOf(),
  serverNow: began,
  oldest,
  isOldestSure: true,
  isListCut: false,
  pagesAtMost: 16,
  pages: [],
  sorted: true,
  localNow: began,
  about: 1500,
  rate: 1500 / (300 * day),
  measured: false,
  repeats: Effect.succeed(false),
  controls: [control("oldest", oldest), control("newest", began - hour)],
  ends: { newest: true, oldest: true },
  oldRows: [],
  log: Ask.makeLog(),
  trusted: false,
  charactersPerPage: 50_000,
  ...rest
})

const profileOf = (rest: Partial<Probes.Seen["profile"]> = {}): Probes.Seen["profile"] => ({
  version: 1,
  observedAt: Instant.format(Instant.of(began)),
  edition: "camelCase",
  pageSizeAsked: 100,
  pageSize: 100,
  clamped: false,
  offsets: "unknown",
  repeatsBeyondEnd: false,
  order: "start-desc",
  sortFields: { started_at: "understood", startedAt: "unknown" },
  sortBy: "none",
  newestFirst: true,
  bounds: { after: "unknown", before: "unknown", precision: "unknown", zone: "unknown" },
  filters: { agentId: "unknown", channel: "unknown", callerNumber: "unknown" },
  clockOffset: 0,
  ...rest
})

const asked = ({ end, from, resume, to }: { readonly [K in "end" | "from" | "resume" | "to"]?: number }): Asked => {
  const instant = (at: number | undefined) => (at === undefined ? undefined : Instant.of(at))
  return { from: instant(from), to: instant(to), end: instant(end), resume: instant(resume), cuts: [] }
}

const refusal = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const clocks = Clocks.make(began, { observedAt: began, latest: began })

const boundsOf = (
  range: Parameters<typeof asked>[0],
  probes: Partial<Probes.Seen> = {},
  newestFirst = false
): Beginning.Bounds => Beginning.boundsOf(asked(range), seen(probes), clocks, newestFirst)

describe("Beginning.hasEnded", () => {
  it("a range that an earlier process resolved has ended when both clocks are beyond its end", () => {
    for (const [localNow, serverNow, has] of [
      [1, 1, true],
      [1, -1, false],
      [-1, 1, false],
      [0, 0, false]
    ] as const) {
      const clocks = seen({ localNow: began + localNow, serverNow: began + serverNow })
      assert.strictEqual(Beginning.hasEnded(asked({ end: began }), clocks), has)
      // This one is meant to end there.
      assert.isFalse(Beginning.hasEnded(asked({ to: began }), clocks))
      assert.isFalse(Beginning.hasEnded(asked({}), clocks))
    }
  })
})

describe("Beginning.boundsOf", () => {
  const [from, to] = [began - 20 * day, began - 10 * day]

  it("takes the bounds that were given", () => {
    assert.deepStrictEqual(boundsOf({ from, to }), { from, to, all: { from, to }, whole: false })
  })

  it("begins with the oldest call, and ends a day after the latest clock", () => {
    const all = { from: oldest, to: began + day }
    assert.deepStrictEqual(boundsOf({}), { ...all, all, whole: true })
    assert.deepStrictEqual(boundsOf({ to }), { from: oldest, to, all: { from: oldest, to }, whole: false })
    assert.deepStrictEqual(boundsOf({ from }), { from, to: all.to, all: { from, to: all.to }, whole: false })
    const ahead = Clocks.make(began, { observedAt: began, latest: began + 60 * second })
    assert.strictEqual(Beginning.boundsOf(asked({}), seen(), ahead, false).to, began + day + 60 * second)
  })

  it("an end that an earlier run found is the end, and no bound that was given", () => {
    const { all, whole } = boundsOf({ end: began - day })
    assert.deepStrictEqual([all, whole], [{ from: oldest, to: began - day }, true])
    assert.strictEqual(boundsOf({ end: began - day, to }).to, to)
  })

  it("is empty where no call is known, or all are later than its end", () => {
    for (const probes of [{ oldest: undefined }, { oldest: began + day }, { oldest: began + 2 * day }]) {
      const { from, to, whole } = boundsOf({}, probes)
      assert.deepStrictEqual([from, to, whole], [began + day, began + day, true])
    }
    assert.strictEqual(boundsOf({}, { oldest: began + day - 1 }).from, began + day - 1)
  })

  it("before the first call, for sure, it is a day that is counted; otherwise all time that may have calls", () => {
    const until = oldest - day
    assert.strictEqual(boundsOf({ to: until }).from, until - day)
    assert.strictEqual(boundsOf({ to: oldest }).from, oldest - day)
    assert.strictEqual(boundsOf({ to: until }, { isOldestSure: false }).from, earliestStart)
    for (const isOldestSure of [false, true])
      assert.strictEqual(boundsOf({ to: until }, { oldest: undefined, isOldestSure }).from, earliestStart)
  })

  it("never begins after its end, also where that is before all calls that may be", () => {
    for (const until of [earliestStart + hour, earliestStart, earliestStart - hour, earliestStart - 400 * day])
      for (const probes of [{}, { isOldestSure: false }, { oldest: undefined }])
        assert.isBelow(boundsOf({ to: until }, probes).from, until)
  })

  it("a run that resumes reads what is left, newest first what is below, and knows the whole", () => {
    const all = { from, to }
    const resume = from + 3 * day
    assert.deepStrictEqual(boundsOf({ from, to, resume }), { from: resume, to, all, whole: false })
    assert.deepStrictEqual(boundsOf({ from, to, resume }, {}, true), { from, to: resume, all, whole: false })
    assert.deepStrictEqual(boundsOf({ from, to }, {}, true), { from, to, all, whole: false })
    const [before, after] = [from - day, to + day]
    assert.strictEqual(boundsOf({ from, to, resume: before }).from, from)
    assert.strictEqual(boundsOf({ from, to, resume: after }).from, to)
    assert.strictEqual(boundsOf({ from, to, resume: before }, {}, true).to, from)
    assert.strictEqual(boundsOf({ from, to, resume: after }, {}, true).to, to)
  })
})

describe("Beginning.settingsOf", () => {
  const options = { concurrency: 4, hold: undefined, horizon: undefined, pagesPerWindow: undefined }
  const list: Settings.Settings["list"] = ({ page: number = 1 }) => Effect.succeed(page(number, []))
  const settingsOf = (
    range: Parameters<typeof asked>[0] = {},
    probes: Partial<Probes.Seen> = {},
    rest: Partial<Parameters<typeof Beginning.settingsOf>[5]> = {},
    filters: Ask.Filters = {}
  ) => Beginning.settingsOf(list, filters, asked(range), seen(probes), clocks, { ...options, ...rest })

  it("asks as the probes saw that it works", () => {
    const probes = seen()
    const filters = { agentId: "agent-1" }
    const { ends, filters: given, now, repeats, rounds, size, sort, ...rest } = settingsOf({}, probes, {}, filters)
    assert.deepStrictEqual(
      { ends, given, now, repeats, rounds, size, sort },
      {
        ends: probes.ends,
        given: filters,
        now: began,
        repeats: probes.repeats,
        rounds: false,
        size: 100,
        sort: { by: undefined, order: undefined }
      }
    )
    assert.strictEqual(rest.controls, probes.controls)
    assert.strictEqual(rest.concurrency, 4)
    assert.strictEqual(rest.mostOverlapping, 12)
    assert.strictEqual(rest.maxCharacters, Partitioner.maxCharacters)
    assert.strictEqual(rest.logs.size, 0)
    const sorted = settingsOf({}, { profile: profileOf({ sortBy: "started_at", roundsPageSize: true, pageSize: 50 }) })
    assert.deepStrictEqual([sorted.sort, sorted.rounds, sorted.size], [{ by: "started_at", order: "desc" }, true, 50])
  })

  it("waits two hours for calls to appear, unless another horizon is given", () => {
    assert.strictEqual(settingsOf().horizon, 2 * hour)
    assert.strictEqual(settingsOf({}, {}, { horizon: "30 minutes" }).horizon, hour / 2)
  })

  it("does not trust a clock of the server that is too far ahead", () => {
    assert.strictEqual(settingsOf({}, { serverNow: began - hour }).seen, began - hour)
    assert.strictEqual(settingsOf({}, { serverNow: began + hour }).seen, began)
    const late = Clocks.make(began, { observedAt: began, latest: began + 60 * second + 1 })
    const { latest, now } = Beginning.settingsOf(list, {}, asked({}), seen(), late, options)
    assert.deepStrictEqual([latest, now], [began + 61 * second, began])
  })

  it("a window has as many pages as are asked for, or as suit the history", () => {
    assert.strictEqual(settingsOf({}, {}, { pagesPerWindow: 7 }).perWindow, 700)
    const probes = seen({ about: 100_000 })
    assert.strictEqual(settingsOf({}, probes).perWindow, 100 * Partitioner.pagesPerWindow(probes, 4))
  })

  it("holds rows as bytes, unless as objects", () => {
    const rows = [{ key: "call", start: undefined, item: item("call", began), rejected: undefined }]
    assert.strictEqual(settingsOf({}, {}, { hold: "objects" }).hold(rows), rows)
    for (const hold of [undefined, "json"] as const) {
      const [row] = settingsOf({}, {}, { hold }).hold(rows)
      assert.isDefined(row?.item?.json)
    }
  })

  it.effect("asks a server that refuses the future up to a second of its own clock", () =>
    Effect.gen(function* () {
      const format = (at: number) => Instant.format(Instant.of(at))
      const bounds: Array<unknown> = []
      const refusing: Settings.Settings["list"] = ({ startedBefore }) => {
        bounds.push(startedBefore)
        return bounds.length === 1 ? Effect.fail(refusal) : Effect.succeed(page(1, []))
      }
      const probes = seen({ serverNow: began + second - 1 })
      const { list } = Beginning.settingsOf(refusing, {}, asked({}), probes, clocks, options)
      yield* list({ startedBefore: format(began + day) })
      assert.deepStrictEqual(bounds, [format(began + day), format(began)])
    })
  )

  it("a filter by what changes, or a beginning that nothing shows, is a doubt about all windows", () => {
    const to = began - day
    const changing = (filter: "status" | "search") => ({
      _tag: "Provisional",
      reason: { _tag: "Changing", filter }
    })
    assert.isUndefined(settingsOf().doubt)
    assert.deepStrictEqual<unknown>(settingsOf({}, {}, {}, { status: "completed" }).doubt, changing("status"))
    assert.deepStrictEqual<unknown>(settingsOf({}, { isListCut: true }, {}, { search: "x" }).doubt, changing("search"))
    assert.strictEqual(settingsOf({}, { isListCut: true }).doubt, Settings.noBeginning)
    assert.isUndefined(settingsOf({}, { isOldestSure: false }).doubt)
    assert.strictEqual(settingsOf({ to }, { isOldestSure: false }).doubt, Settings.noBeginning)
    assert.isUndefined(settingsOf({ to }, { isListCut: true }).doubt)
    for (const range of [{ from: oldest }, { from: oldest, to }])
      assert.isUndefined(settingsOf(range, { isListCut: true, isOldestSure: false }).doubt)
  })
})
