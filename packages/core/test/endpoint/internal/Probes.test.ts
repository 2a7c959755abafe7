/** What probes see of lists that are known, and what they ask for it. */
import { assert, describe, it } from "@effect/vitest"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { pageBeyondAll } from "@callstream/core/model/Limits"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Probes from "../../../src/endpoint/internal/Probes.ts"
import type * as Probing from "../../../src/endpoint/internal/Probing.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"
import { noting, profileOf, size } from "./ProbeParts.ts"

const refused = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const hourly = (count: number) => rowsAt(Array.from({ length: count }, (_, i) => began - (i + 1) * hour + 7))

interface Rest {
  readonly options?: Probing.Options
  readonly tried?: Parameters<typeof Probes.look>[1]
  readonly isRefused?: (query: CallSessionQuery) => boolean
}

/** What is seen of a list, and what was asked. */
const see = Effect.fnUntraced(function* (
  list: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  { isRefused = () => false, options = {}, tried }: Rest = {}
) {
  const server = open(list, traits)
  const { asked, list: noted } = noting(server.client.list)
  const client: AgniClient["Service"] = {
    list: (query, how) => {
      if (!isRefused(query))
        return Effect.map(noted(query, how), (page) => ({ ...page, characters: 100 * page.rows.length }))
      asked.push(query)
      return Effect.fail(refused)
    }
  }
  const given = { pageSize: size, ...options }
  const look = tried === undefined ? Probes.probe(given) : Probes.look(given, tried)
  const seen = yield* Effect.provideService(look, AgniClient, client)
  return { seen, asked, pages: asked.map(({ page = 1 }) => page) }
})

const keysOf = (rows: ReadonlyArray<{ readonly key: string }>): ReadonlyArray<string> => rows.map(({ key }) => key)

const rounds = { cap: 20, sizes: { of: [5, 10, 20], round: "down" } } as const

/** Of these, the newest was created last. */
const shuffled = (count: number) =>
  hourly(count).map((row, i) => ({ ...row, created: began - ((i * 37) % count) * second }))

const inDisorder = { order: "created", sorting: false } as const

const bounded = { deep: false, bounded: true } as const

describe("Probes.probe", () => {
  it.effect("sees both ends of a list that ends on its first page, in any order, and how many it has", () =>
    Effect.gen(function* () {
      for (const traits of [{}, { order: "id", sorting: false }] as const)
        for (const count of [1, 2, 7]) {
          const { seen } = yield* see(hourly(count), traits)
          assert.deepInclude(seen, {
            about: count,
            ends: { newest: true, oldest: true },
            oldest: began - count * hour,
            isOldestSure: true,
            isListCut: false,
            measured: false,
            trusted: false,
            localNow: 0
          })
          assert.strictEqual(seen.controls.length, count)
          assert.strictEqual(Probes.listed(seen), count)
          assert.deepStrictEqual([...seen.log.shown.keys()].toSorted(), keysOf(seen.controls).toSorted())
          assert.isUndefined(seen.profile.filterProblem)
          assert.strictEqual(seen.charactersPerPage, 100 * seen.profile.pageSize)
        }
    })
  )

  it.effect("sees nothing of an empty list but that it is empty", () =>
    Effect.gen(function* () {
      const { seen } = yield* see([])
      assert.deepInclude(seen, {
        about: 0,
        rate: 0,
        controls: [],
        oldest: undefined,
        ends: { newest: false, oldest: false },
        pagesAtMost: 0,
        charactersPerPage: 0
      })
      assert.isUndefined(seen.profile.filterProblem)
    })
  )

  it.effect("sees the ends, the number and the pages of a longer list", () =>
    Effect.gen(function* () {
      const { pages, seen } = yield* see(hourly(75))
      assert.deepInclude(seen, {
        ends: { newest: true, oldest: true },
        oldest: began - 75 * hour,
        isOldestSure: true,
        pagesAtMost: 16,
        sorted: true,
        measured: false,
        serverNow: began,
        charactersPerPage: 100 * size
      })
      assert.closeTo(seen.rate * hour, 1, 1e-9)
      assert.closeTo(seen.about, 74, 1e-6)
      assert.strictEqual(Probes.listed(seen), 75)
      assert.strictEqual(keysOf(seen.controls)[0], "row-74")
      assert.strictEqual(keysOf(seen.controls).at(-1), "row-0")
      assert.deepStrictEqual(keysOf(seen.oldRows), keysOf(seen.controls).slice(0, 9))
      assert.strictEqual(new Set(keysOf(seen.controls)).size, seen.controls.length)
      assert.deepInclude(seen.profile, { pagesAtMost: 16, repeatsBeyondEnd: false, sortBy: "none", newestFirst: true })
      assert.isFalse(yield* seen.repeats)
      assert.deepStrictEqual(
        seen.pages.map(({ page }) => page),
        [1, 4, 8, 16, 64, 256, 1024]
      )
      assert.isAtMost(pages.length, 16)
    })
  )

  it.effect("asks what comes beyond the end only where all pages are read, or a whole history is read", () =>
    Effect.gen(function* () {
      for (const [options, asks] of [
        [{ deep: true }, 1],
        [{ deep: false }, 0],
        [{ deep: false, whole: true }, 1],
        [{ deep: false, whole: false }, 0]
      ] as const) {
        const { pages, seen } = yield* see(hourly(75), { beyond: "last" }, { options })
        const isBeyond = (page: number) => page === pageBeyondAll
        assert.strictEqual(pages.filter(isBeyond).length, asks, JSON.stringify(options))
        assert.strictEqual(seen.profile.repeatsBeyondEnd, options.deep)
        assert.isTrue(yield* seen.repeats)
      }
      const profile = profileOf({ repeatsBeyondEnd: true })
      const { seen } = yield* see(hourly(75), {}, { options: { ...bounded, profile } })
      assert.isTrue(seen.profile.repeatsBeyondEnd)
    })
  )

  it.effect("trusts a profile of a bounded range without probes: one request", () =>
    Effect.gen(function* () {
      const profile = profileOf({ calls: 75 })
      const { asked, seen } = yield* see(hourly(75), {}, { options: { ...bounded, profile } })
      assert.deepInclude(seen, {
        trusted: true,
        about: 75,
        pagesAtMost: 8,
        oldest: began - 10 * hour,
        isOldestSure: false,
        ends: { newest: true, oldest: false },
        oldRows: []
      })
      assert.strictEqual(asked.length, 1)
    })
  )

  it.effect("needs only the oldest call that came for a bounded range", () =>
    Effect.gen(function* () {
      const found = yield* see(hourly(75), {}, { options: bounded })
      assert.deepInclude(found.seen, { oldest: began - 75 * hour, isOldestSure: true, isListCut: false })
      const isHalfOpen = ({ startedAfter, startedBefore }: CallSessionQuery) =>
        (startedAfter === undefined) !== (startedBefore === undefined) ||
        (typeof startedAfter === "string" && startedAfter.startsWith("2000"))
      assert.isFalse(found.asked.some(isHalfOpen))
      // Otherwise it is asked whether there is an older one.
      for (const options of [{ deep: true, bounded: true }, { deep: false }, {}])
        assert.isTrue((yield* see(hourly(75), {}, { options })).asked.some(isHalfOpen), JSON.stringify(options))
      const none = yield* see([{ id: "a", start: undefined, created: began }], {}, { options: bounded })
      assert.deepInclude(none.seen, { oldest: undefined, isOldestSure: false })
      // Without an order the oldest do not come.
      const { seen } = yield* see(hourly(75), { sorting: false }, { options: bounded })
      assert.deepInclude(seen, { isOldestSure: false, oldRows: [], ends: { newest: true, oldest: false } })
      // Those that all came are known to be all, in whatever order.
      const few = yield* see(shuffled(7), inDisorder, { options: bounded })
      assert.deepInclude(few.seen, { isOldestSure: false, ends: { newest: true, oldest: true } })
    })
  )

  it.effect("is sure of the oldest call also where none can be asked for, and of no newest one without an order", () =>
    Effect.gen(function* () {
      const unsorted = yield* see(hourly(75), { sorting: false })
      assert.deepInclude(unsorted.seen, { isOldestSure: true, oldRows: [] })
      assert.isAtMost(unsorted.seen.oldest ?? Infinity, began - 75 * hour)
      assert.isTrue(unsorted.seen.ends.newest)
      assert.isFalse(unsorted.seen.ends.oldest)
      // The newest comes first by chance.
      const disorder = yield* see(shuffled(75), inDisorder)
      assert.strictEqual(disorder.seen.pages[0]?.rows[0]?.key, "row-0")
      assert.isFalse(disorder.seen.ends.newest)
      // In the order of creation the first pages descend by start, and a later one has the newest.
      const late = hourly(75).map((row, i) => (i === 34 ? { ...row, start: began - second } : row))
      const created = yield* see(late, { order: "created", sorting: false })
      assert.isTrue(created.seen.profile.newestFirst)
      assert.strictEqual(created.seen.controls.at(-1)?.key, "row-34")
      assert.isFalse(created.seen.ends.newest)
      // The end of the list was read, and nothing came from before it.
      const end = yield* see(hourly(35), { sorting: false })
      assert.deepInclude(end.seen, { ends: { newest: true, oldest: true }, oldRows: [] })
      const oldestFirst = yield* see(hourly(75), { sorting: false, newestFirst: false })
      assert.isFalse(oldestFirst.seen.ends.newest)
      assert.isTrue(oldestFirst.seen.ends.oldest)
    })
  )

  it.effect("has pages in the order of the sort only where that was known", () =>
    Effect.gen(function* () {
      const oldestFirst = { newestFirst: false }
      assert.deepInclude((yield* see(hourly(75), oldestFirst)).seen, { sorted: false })
      const profile = profileOf({ sortBy: "started_at" })
      assert.deepInclude((yield* see(hourly(75), oldestFirst, { options: { profile } })).seen, { sorted: true })
      assert.deepInclude((yield* see(hourly(75), { ...oldestFirst, sorting: false })).seen, { sorted: true })
    })
  )

  it.effect("counts no places by pages that are larger than the server's, or by sizes that it rounds", () =>
    Effect.gen(function* () {
      const options = { pageSize: 50 }
      const sizesOf = ({ log }: Probes.Seen) => new Set([...log.lengths.values()].map(({ size }) => size))
      // A first page that fails: the second one is asked for by a size that the server does not have.
      const poison = yield* see(hourly(35), { poison: "row-0" }, { options })
      assert.isAtMost(NotedCounts.countOf(poison.seen.log, {}, false), 35)
      // Nothing is forgotten of sizes that the server has.
      const short = yield* see(hourly(15), { poison: "row-0" })
      assert.deepInclude(short.seen.profile, { clamped: false, pageSize: 5 })
      assert.include([...sizesOf(short.seen)], size)
      // One that repeats its only page is asked for more than that.
      const only = yield* see(hourly(13), { ...rounds, beyond: "last" }, { options: { pageSize: 30 } })
      assert.deepStrictEqual([only.seen.profile.pageSize, ...sizesOf(only.seen)], [10, 10])
      assert.isAtMost(NotedCounts.countOf(only.seen.log, {}, true), 13)
      const clamped = yield* see(hourly(75), {}, { options })
      assert.deepInclude(clamped.seen.profile, { clamped: true, pageSize: size, pageSizeAsked: 50 })
      assert.isAtMost(Math.max(...sizesOf(clamped.seen)), size)
      const rounded = yield* see(hourly(75), rounds, { options })
      assert.isTrue(rounded.seen.profile.roundsPageSize)
      assert.deepStrictEqual([...sizesOf(rounded.seen)], [rounded.seen.profile.pageSize])
    })
  )

  it.effect("measures a long list by pages from deep within, where that is asked for", () =>
    Effect.gen(function* () {
      // Rare calls between the two ends, which are dense.
      const starts = Array.from({ length: 600 }, (_, i) => began - hour * (i < 60 ? i : i < 540 ? 1.5 * i : 400 + i))
      const list = rowsAt(starts)
      const { seen } = yield* see(list, {}, { options: { deep: false, measureFrom: 10 } })
      assert.isTrue(seen.measured)
      assert.closeTo(seen.about, 600, 200)
      const lasts = (seen.controls.at(-1)?.start ?? 0) - (seen.oldest ?? 0)
      assert.closeTo(seen.rate * lasts, seen.about, 1e-6)
      const plain = yield* see(list, {}, { options: { deep: false } })
      assert.isFalse(plain.seen.measured)
      assert.isAbove(plain.seen.about, 800)
      assert.strictEqual(plain.seen.pagesAtMost, 2 ** Math.ceil(Math.log2(plain.seen.about / size)))
    })
  )

  it.effect("tries the filters that are in use, if they can be tried, and by look those that are named", () =>
    Effect.gen(function* () {
      const isUnfiltered = ({ agentId, status }: CallSessionQuery) => agentId === undefined && status === undefined
      for (const [options, tried, isTried] of [
        [{ filters: { agentId: "x" } }, undefined, true],
        [{ filters: { status: "busy" } }, undefined, false],
        [{ filters: { status: "busy" } }, ["channel"], true],
        [{ filters: { agentId: "x" } }, [], false]
      ] as const) {
        const { asked } = yield* see(hourly(30), {}, { options, ...(tried === undefined ? {} : { tried }) })
        assert.strictEqual(asked.some(isUnfiltered), isTried, JSON.stringify({ options, tried }))
      }
    })
  )
})

describe("Probes.probe, where bounds do not work", () => {
  it.effect("says so, whether they are refused or ignored", () =>
    Effect.gen(function* () {
      const isRefused = ({ startedAfter, startedBefore }: CallSessionQuery) =>
        startedAfter !== undefined || startedBefore !== undefined
      for (const count of [1, 7, 30, 75, 300])
        for (const traits of [{}, { newestFirst: false }, { sorting: false }] as const) {
          const { pages, seen } = yield* see(hourly(count), traits, { isRefused })
          assert.deepStrictEqual(seen.profile.filterProblem, { _tag: "BoundsRefused" }, `${count} calls`)
          assert.isAtMost(pages.length, 36, `${count} calls, ${JSON.stringify(traits)}`)
        }
      const ignores = { by: "number", every: 1, for: 1 } as const
      const byRows = yield* see(hourly(75), { ignores })
      assert.deepStrictEqual(byRows.seen.profile.filterProblem, { _tag: "OutsideBounds" })
      // A profile that is used without probes says nothing of it: the windows will.
      const profile = profileOf()
      const trusted = yield* see(hourly(75), { ignores }, { options: { ...bounded, profile } })
      assert.isUndefined(trusted.seen.profile.filterProblem)
      const without = yield* see([{ id: "a", start: undefined, created: began }])
      assert.deepStrictEqual(without.seen.profile.filterProblem, { _tag: "NoStartSeen" })
    })
  )

  it.effect("sees that they are applied after paging, also where another sort brings the newest first", () =>
    Effect.gen(function* () {
      for (const traits of [{}, { newestFirst: false }] as const) {
        const { seen } = yield* see(hourly(75), { ...traits, filterAfterPaging: true })
        assert.isDefined(seen.profile.filterProblem)
      }
    })
  )
})
