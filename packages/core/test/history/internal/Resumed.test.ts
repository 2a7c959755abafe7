/** Windows that resume after an error: what the reading that failed brought and showed counts for the next one. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { verdict, weaker, type Verdict, type Window } from "@callstream/core/history/Coverage"
import type { OpenRange, Options } from "@callstream/core/history/History"
import { AgniError, Forbidden, RateLimited } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Resumed from "../../../src/history/internal/Resumed.ts"
import { finalCoverage } from "../../torture/Histories.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import * as VirtualTime from "../../torture/VirtualTime.ts"
import { began, day, hour, open, quiet, rowsAt } from "./FakeServer.ts"

const count = 300
const rows = rowsAt(Array.from({ length: count }, (_, i) => began - 20 * day + i * hour))
const range = { from: Instant.of(began - 20 * day), to: Instant.of(began - 20 * day + count * hour) }
const orders = ["oldest", "newest"] as const

const failed = (reason: AgniError["reason"]) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero })

const limited = failed(new RateLimited({}))

interface Fault {
  /** Requests that fail, from 1. */
  readonly at: ReadonlyArray<number>
  readonly error?: AgniError
  /** Answers from the first failed request on. */
  readonly later?: Adversary.Server
  /** A record that no decoder takes is on each page with this call. */
  readonly brokenBeside?: string
}

const broken = (page: number) => ({
  stage: "decode",
  reason: "status is missing",
  raw: { id: "broken", startedAt: Instant.format(Instant.of(rows[7]?.start ?? 0)) },
  page,
  index: 0,
  observedAt: Version.of(began)
})

interface Result {
  readonly windows: ReadonlyArray<Window>
  readonly ids: ReadonlyArray<string>
  readonly rejected: number
  readonly set: Verdict
  readonly requests: number
  /** Windows that came before the first error, and what answers listed up to then. */
  readonly before: { readonly windows: number; readonly listed: ReadonlyArray<string> }
  readonly error: AgniError | undefined
}

const read = Effect.fnUntraced(function* (
  server: Adversary.Server,
  { at, brokenBeside, error = limited, later }: Fault,
  asked: OpenRange,
  options: Omit<Options, "resume">
): Effect.fn.Return<Result> {
  let requests = 0
  let hasFailed = false
  const windows: Array<Window> = []
  let before: Result["before"] = { windows: 0, listed: [] }
  const client = AgniClient.of({
    ...server.client,
    list: (query, how) => {
      requests++
      if (at.includes(requests)) {
        if (!hasFailed) before = { windows: windows.length, listed: [...server.listed] }
        hasFailed = true
        return Effect.fail(error)
      }
      const answer = (hasFailed ? (later ?? server) : server).client.list(query, how)
      return Effect.map(answer, (page) =>
        Rows.items(page.rows).some(({ id }) => id === brokenBeside) ? { ...page, rejected: [broken(page.page)] } : page
      )
    }
  })
  const retry = Schedule.recurs(3)
  const failure = yield* Stream.runForEach(Resumed.windows(asked, options, retry), (window) =>
    Effect.sync(() => void windows.push(window))
  ).pipe(
    Effect.flip,
    Effect.catch(() => Effect.undefined),
    Effect.provideService(AgniClient, client),
    Random.withSeed(1),
    VirtualTime.make(server)
  )
  return {
    windows,
    ids: windows.flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id)),
    rejected: windows.reduce((sum, { rejected }) => sum + rejected.length, 0),
    set: finalCoverage(windows).reduce<Verdict>((sum, { coverage }) => weaker(sum, verdict(coverage)), "proven"),
    requests,
    before,
    error: failure
  }
})

const small = { pageSize: 10, pagesPerWindow: 2, concurrency: 3 } as const

/** The first request after some windows came. */
const middleOf = Effect.fnUntraced(function* (asked: OpenRange, options: Omit<Options, "resume">) {
  const { requests } = yield* read(open(rows), { at: [] }, asked, options)
  for (let at = Math.floor(requests / 2); at < requests; at++) {
    const { before } = yield* read(open(rows), { at: [at] }, asked, options)
    if (before.windows > 2) return at
  }
  return yield* Effect.die("no window came before the last request")
})

const sorted = (ids: ReadonlyArray<string>) => ids.toSorted((a, b) => a.localeCompare(b))
const allIds = sorted(rows.map(({ id }) => id))

describe("windows that resume", () => {
  for (const order of orders)
    for (const asked of [range, {}])
      it.effect(
        `bring each call once, and are proven, ${order} first, ${asked === range ? "a range" : "a whole history"}`,
        () =>
          Effect.gen(function* () {
            const options = { ...small, order }
            const whole = yield* read(open(rows), { at: [] }, asked, options)
            for (const at of [0.3, 0.5, 0.7, 0.9].map((share) => Math.floor(share * whole.requests))) {
              const { error, ids, set, windows } = yield* read(open(rows), { at: [at, at + 40] }, asked, options)
              assert.isUndefined(error)
              assert.deepStrictEqual(sorted(ids), allIds, `request ${at}`)
              assert.strictEqual(set, whole.set, `request ${at}`)
              const dated = windows.filter(({ from, to }) => from < to)
              const ascending = order === "newest" ? dated.toReversed() : dated
              for (const [i, window] of ascending.entries())
                if (i > 0) assert.strictEqual(ascending[i - 1]?.to, window.from, `request ${at}`)
              assert.strictEqual(
                ascending.at(-1)?.to,
                whole.windows.filter(({ from, to }) => from < to).at(order === "newest" ? 0 : -1)?.to
              )
            }
          })
      )

  for (const order of orders) {
    it.effect(`have a call that only later answers list, ${order} first, and take the proof of its window back`, () =>
      Effect.gen(function* () {
        const options = { ...small, order }
        const hidden = order === "oldest" ? "row-3" : `row-${count - 4}`
        const lacking = rows.filter(({ id }) => id !== hidden)
        const at = yield* middleOf(range, options)
        const result = yield* read(open(lacking), { at: [at], later: open(rows) }, range, options)
        assert.isAbove(result.before.windows, 2)
        assert.deepStrictEqual(sorted(result.ids), allIds)
        assert.strictEqual(result.set, "provisional")
      })
    )

    it.effect(`do not forget what answers before the error listed, ${order} first`, () =>
      Effect.gen(function* () {
        const options = { ...small, order }
        const middle = yield* middleOf(range, options)
        let lost = 0
        // Readers are in the middle of their windows, too.
        for (const at of [0, 1, 2, 3].map((later) => middle + later)) {
          const { before, windows } = yield* read(open(rows), { at: [at] }, range, options)
          const came = windows.slice(0, before.windows).flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id))
          const listed = before.listed.filter((id) => !came.includes(id))
          // So each count stays the same.
          const comes = listed.at(order === "oldest" ? -1 : 0)
          for (const gone of listed.filter((id, i) => i % 12 === 0 && id !== comes)) {
            const later = open(rows.filter(({ id }) => id !== gone))
            const lacking = open(rows.filter(({ id }) => id !== comes))
            const result = yield* read(lacking, { at: [at], later }, range, options)
            // Another request brought its window before the reading ended.
            if (result.ids.includes(gone)) continue
            lost++
            assert.notStrictEqual(result.set, "proven", gone)
          }
        }
        assert.isAbove(lost, 10)
      })
    )

    for (const asked of [range, {}])
      it.effect(
        `have each call and each record once where bounds do not work, ${order} first, ${asked === range ? "a range" : "a whole history"}`,
        () =>
          Effect.gen(function* () {
            const server = () => open(rows, { ...quiet, filterAfterPaging: true })
            const options = { ...small, order }
            const brokenBeside = `row-${count - 8}`
            const whole = yield* read(server(), { at: [], brokenBeside }, asked, options)
            assert.isAbove(whole.rejected, 0)
            for (const at of [whole.requests - 1, whole.requests - 8]) {
              const result = yield* read(server(), { at: [at], brokenBeside }, asked, options)
              assert.isAbove(result.before.windows, 1)
              assert.deepStrictEqual(sorted(result.ids), allIds)
              assert.deepStrictEqual([result.rejected, result.set], [whole.rejected, "unprovable"])
            }
          })
      )
  }

  it.effect("end where it is said, where the range has no end", () =>
    Effect.gen(function* () {
      for (const order of orders) {
        const end = Instant.of((rows[200]?.start ?? 0) + 1)
        const at = yield* middleOf({}, { ...small, order, end })
        const result = yield* read(open(rows), { at: [at] }, {}, { ...small, order, end })
        const dated = result.windows.filter(({ from, to }) => from < to)
        assert.strictEqual(Math.max(...dated.map(({ to }) => to)), end, order)
      }
    })
  )

  it.effect("end at the same time, newest first, whatever the clock says by then", () =>
    Effect.gen(function* () {
      const options = { ...small, order: "newest" } as const
      const at = yield* middleOf({}, options)
      const result = yield* read(open(rows, {}, 60 * 1_000_000), { at: [at] }, {}, options)
      const [first] = result.windows
      const ends = result.windows.filter(({ from, to }) => from === to).map(({ to }) => to)
      assert.deepStrictEqual([...new Set(ends)], [first?.to])
    })
  )

  it.effect("but not after an error that lasts", () =>
    Effect.gen(function* () {
      const error = failed(new Forbidden({}))
      const at = yield* middleOf(range, small)
      const result = yield* read(open(rows), { at: [at], error }, range, small)
      assert.strictEqual(result.error, error)
      assert.strictEqual(result.windows.length, result.before.windows)
    })
  )
})
