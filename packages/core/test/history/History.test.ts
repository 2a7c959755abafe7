import * as CallRows from "@callstream/core/model/Rows"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { type CallSession, startInstant } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import { type Window } from "@callstream/core/history/Coverage"
import * as History from "@callstream/core/history/History"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as Rows from "../../src/endpoint/internal/ListedRows.ts"
import * as Histories from "../torture/Histories.ts"
import { found } from "../torture/Found.ts"

const second = 1_000_000
const hour = 3600 * second
const { startAt } = Histories

const quiet = (
  simulator: Histories.Simulator = {},
  read: Histories.Read = {},
  range: Histories.Case["range"] = {}
): Histories.Case => ({
  simulator: { content: "minimal", startAt, undated: 0, ...simulator },
  range,
  read,
  step: 20,
  client: false
})

const open = (one: Histories.Case) => {
  const world = Histories.open(one)
  const stream = (options: Histories.Read = {}, range = one.range) =>
    Histories.windows({ range, read: { ...one.read, ...options } }).pipe(
      Stream.provideService(AgniClient, world.client),
      Stream.provideService(Clock.Clock, world.clock)
    )
  /** The same through another client. */
  const streamOf = (client: AgniClient["Service"]) =>
    Histories.windows(one).pipe(
      Stream.provideService(AgniClient, client),
      Stream.provideService(Clock.Clock, world.clock)
    )
  return { ...world, stream, streamOf }
}

const all = (one: Histories.Case) => Stream.runCollect(open(one).stream())

const idsOf = (windows: ReadonlyArray<Window>) => windows.flatMap(({ rows }) => rows.sessions().map(({ id }) => id))

const tags = (windows: ReadonlyArray<Window>) => windows.map(({ coverage }) => coverage._tag)

describe("History.windows", () => {
  it.live("an empty history: nothing, and nothing is claimed, because an outage can look like that", () =>
    Effect.gen(function* () {
      const windows = yield* all(quiet({ sessions: 0 }))
      assert.isEmpty(idsOf(windows))
      assert.deepStrictEqual([...new Set(tags(windows))], ["Provisional"])
      const outage = { sessions: 50, script: [{ on: { from: 1 }, fault: Fault.emptyAnswer, times: 10_000 }] }
      for (const range of [{}, { from: startAt - 9 * hour, to: startAt - 5 * hour }]) {
        assert.notInclude(tags(yield* all(quiet(outage, {}, range))), "Proven")
      }
      const ranged = yield* all(quiet({ sessions: 0 }, {}, { from: startAt - 9 * hour, to: startAt - 5 * hour }))
      assert.isEmpty(idsOf(ranged))
      assert.deepStrictEqual([ranged[0]?.from, ranged.at(-1)?.to], [startAt - 9 * hour, startAt - 5 * hour])
    })
  )

  it.live("one session", () =>
    Effect.gen(function* () {
      const windows = yield* all(quiet({ sessions: 1 }))
      assert.lengthOf(idsOf(windows), 1)
      assert.deepStrictEqual([...new Set(tags(windows))].sort(), ["Proven", "Provisional"])
    })
  )

  it.live("sessions are held as JSON, or as objects where that is asked for", () =>
    Effect.gen(function* () {
      const one = quiet({ sessions: 700, undated: 0.1, content: "varied" })
      const json = yield* all(one)
      const objects = yield* all({ ...one, read: { hold: "objects" } })
      const held = (windows: ReadonlyArray<Window>) =>
        new Set(
          windows
            .filter(({ from, to }) => from < to)
            .flatMap((window) => CallRows.items(window.rows).map(({ json }) => typeof json))
        )
      assert.deepStrictEqual([...held(json)], ["object"])
      assert.deepStrictEqual([...held(objects)], ["undefined"])
      const withoutSignature = (windows: ReadonlyArray<Window>) =>
        windows.flatMap(({ rows }) => rows.sessions().map((session) => Struct.omit(session, ["recordingUrl"])))
      assert.deepStrictEqual(withoutSignature(json), withoutSignature(objects))
      assert.deepStrictEqual(
        json.map(({ settled }) => settled),
        objects.map(({ settled }) => settled)
      )
    })
  )

  it.live("a window that would keep one reader busy is shared with those who have nothing to do", () =>
    Effect.gen(function* () {
      const range = { from: startAt - 500 * hour, to: startAt - 6 * hour }
      const one = quiet({ sessions: 16_000 }, { pagesPerWindow: 60 }, range)
      const alone = yield* all({ ...one, read: { ...one.read, concurrency: 1 } })
      const shared = yield* all({ ...one, read: { ...one.read, concurrency: 8 } })
      assert.deepStrictEqual(idsOf(shared), idsOf(alone))
      assert.deepStrictEqual([...new Set(tags(shared))], ["Proven"])
      assert.isAbove(shared.length, alone.length)
      const edges = shared.flatMap(({ from, to }) => [from, to])
      assert.deepStrictEqual([edges[0], edges.at(-1)], [range.from, range.to])
      for (let i = 1; i + 1 < edges.length; i += 2) assert.strictEqual(edges[i], edges[i + 1])
    })
  )

  it.live("of a shared window that fails in its older part, only what lies before is delivered", () =>
    Effect.gen(function* () {
      const range = { from: startAt - 500 * hour, to: startAt - 6 * hour }
      const one = quiet({ sessions: 6000, poison: [4321] }, { pagesPerWindow: 60, concurrency: 8 }, range)
      const whole = yield* all(quiet({ sessions: 6000 }, { pagesPerWindow: 60, concurrency: 8 }, range))
      const delivered: Array<Window> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(open(one).stream(), (window) => Effect.sync(() => delivered.push(window)))
      )
      assert.isTrue(exit._tag === "Failure")
      const ids = idsOf(delivered)
      assert.deepStrictEqual(ids, idsOf(whole).slice(0, ids.length))
      assert.isBelow(ids.length, 6000)
      const gaps = yield* all({ ...one, read: { ...one.read, keepGoing: true } })
      assert.include(tags(gaps), "Gap")
      assert.lengthOf(new Set(idsOf(gaps)), idsOf(whole).length - 1)
      assert.lengthOf(idsOf(gaps), idsOf(whole).length - 1)
    })
  )

  it.live(
    "a call without a start time that left, after it was found, does not count for another one that was not found",
    () =>
      Effect.gen(function* () {
        const options = { seed: 5, sessions: 3000, order: "created-desc", sorting: "ignored", age: "3 hours" } as const
        const { client, clock, simulator } = open(quiet({ ...options, undated: 0, queued: 0 }))
        const add = (createdAt: number) => simulator.add({ createdAt, startedAt: null, endedAt: null })
        const inFront = add(startAt - 3 * hour + 1)
        const elsewhere = add(startAt - 123 * hour)
        let reading = false
        const leaving = AgniClient.of({
          list: (query, options) =>
            Effect.tap(client.list(query, options), () =>
              Effect.sync(() => {
                const unbounded = query.startedAfter === undefined && query.startedBefore === undefined
                if (reading && unbounded) simulator.remove(inFront)
              })
            )
        })
        const windows = yield* History.windows({}, { pageSize: 50 }).pipe(
          Stream.tap(() =>
            Effect.sync(() => {
              reading = true
            })
          ),
          Stream.provideService(AgniClient, leaving),
          Stream.provideService(Clock.Clock, clock),
          Stream.runCollect
        )
        const last = windows.at(-1) ?? assert.fail("no window")
        assert.isTrue(idsOf([last]).includes(elsewhere) || last.coverage._tag !== "Proven")
      })
  )

  it.live("only calls without a start time: they come, and nothing is claimed", () =>
    Effect.gen(function* () {
      const windows = yield* all(quiet({ sessions: 250, undated: 1 }))
      assert.lengthOf(new Set(idsOf(windows)), 250)
      assert.notInclude(tags(windows), "Proven")
    })
  )

  it.live("calls without a start time among others come in the last window, in any order of the server", () =>
    Effect.forEach(["postgres", "first", "last"] as const, (undatedOrder) =>
      Effect.gen(function* () {
        const one = quiet({ sessions: 700, undated: 0.2, undatedOrder })
        const world = open(one)
        const windows = yield* Stream.runCollect(world.stream())
        assert.isEmpty(Histories.missed(one, world, idsOf(windows)))
        const last = windows.at(-1)
        assert.isAtLeast(last?.rows.sessions().length ?? 0, 100)
        assert.strictEqual(last?.coverage._tag, "Proven")
        assert.strictEqual(last?.from, last?.to)
      })
    )
  )

  it.live("resumed on its last pages, all calls without a start time come, in any order, and none from before", () =>
    Effect.forEach(
      [
        { order: "start-desc", undatedOrder: "first" },
        { order: "start-desc", undatedOrder: "last" },
        { order: "start-asc", undatedOrder: "last", sorting: "ignored", beyondLast: "last" },
        { order: "id-asc", sorting: "ignored", beyondLast: "first" }
      ] as const,
      (simulator) =>
        Effect.gen(function* () {
          const one = quiet({ sessions: 3000, undated: 0.04, maxPageSize: 10, ...simulator })
          const world = open(one)
          const truth = world.simulator.truth()
          const resume = startAt - 30 * hour
          const meant = truth.filter(({ startedAt }) => startedAt === undefined || startedAt >= resume)
          const windows = yield* Stream.runCollect(world.stream({ resume: resume }))
          const sorted = (ids: ReadonlyArray<string>) => ids.toSorted((a, b) => a.localeCompare(b))
          assert.deepStrictEqual(sorted(idsOf(windows)), sorted(meant.map(({ id }) => id)), JSON.stringify(simulator))
          assert.isAbove(meant.filter(({ startedAt }) => startedAt === undefined).length, 80)
          assert.isAtMost(meant.length, 400)
          assert.deepStrictEqual(windows.at(-1)?.coverage, {
            _tag: "Provisional",
            reason: { _tag: "Resumed" }
          })
        })
    )
  )

  describe("starts in the future of the server's clock", () => {
    /** Another simulated server's sessions, some with another start, in an order and with bounds of their own. */
    const changed = (
      one: Histories.Case,
      order: "desc" | "asc" | "none",
      startOf: (row: number) => number | undefined
    ) =>
      Effect.gen(function* () {
        const world = open({ ...one, simulator: { ...one.simulator, maxPageSize: 10_000 } })
        const page = yield* world.client.list({ pageSize: 10_000 })
        const future: Array<string> = []
        const rows = page.rows.sessions().map((session, row) => {
          const start = startOf(row)
          if (start === undefined) return session
          future.push(session.id)
          return Struct.assign(session, { startedAt: Instant.format(Instant.of(start)) })
        })
        const sign = order === "desc" ? -1 : 1
        // As in PostgreSQL, nulls are the greatest.
        const start = (session: CallSession) => startInstant(session) ?? Infinity
        if (order !== "none") rows.sort((a, b) => (start(a) === start(b) ? 0 : start(a) < start(b) ? -sign : sign))
        const list: AgniClient["Service"]["list"] = ({ page = 1, pageSize = 20, startedAfter, startedBefore }) =>
          Effect.sync(() => {
            const after = typeof startedAfter === "string" ? Instant.parse(startedAfter) : undefined
            const before = typeof startedBefore === "string" ? Instant.parse(startedBefore) : undefined
            const fitting = rows.filter((session) => {
              const at = startInstant(session)
              if (at === undefined) return after === undefined && before === undefined
              return at >= (after ?? -Infinity) && at <= (before ?? Infinity)
            })
            const size = Math.min(pageSize, 20)
            const found = CallRows.ofSessions(fitting.slice((page - 1) * size, page * size), Instant.of(startAt))
            return {
              page,
              rows: found,
              rejected: [],
              total: undefined,
              observedAt: Instant.of(startAt),
              age: 0,
              edition: "camelCase"
            }
          })
        const undated = rows.filter((session) => startInstant(session) === undefined).map(({ id }) => id)
        return { future, undated, list, count: rows.length, client: AgniClient.of({ list }) }
      })
    const read = (client: AgniClient["Service"], range: Histories.Case["range"] = {}, read: Histories.Read = {}) =>
      Histories.windows({ range, read }).pipe(
        Stream.provideService(AgniClient, client),
        Stream.provideService(Clock.Clock, open(quiet()).clock),
        Stream.runCollect
      )

    it.live("years ahead: they come in the last window of a whole history, which adds up", () =>
      Effect.forEach(["desc", "asc", "none"] as const, (order) =>
        Effect.gen(function* () {
          const one = quiet({ sessions: 900, undated: 0.03 })
          const world = yield* changed(one, order, (row) =>
            row % 40 === 7 ? startAt + (row + 30) * 24 * hour + row : undefined
          )
          for (const resume of [undefined, startAt - 30 * hour]) {
            const windows = yield* read(world.client, {}, { resume: resume })
            const last = windows.at(-1)
            assert.deepStrictEqual(
              new Set(last?.rows.sessions().map(({ id }) => id)),
              new Set([...world.future, ...world.undated])
            )
            assert.lengthOf(new Set(idsOf(windows)), idsOf(windows).length)
            assert.strictEqual(last?.coverage._tag, resume === undefined ? "Proven" : "Provisional", order)
            if (resume === undefined) assert.lengthOf(idsOf(windows), world.count)
          }
        })
      )
    )

    it.live("within a day: they come, and may still change", () =>
      Effect.forEach(["desc", "asc"] as const, (order) =>
        Effect.gen(function* () {
          const world = yield* changed(quiet({ sessions: 900 }), order, (row) =>
            row % 40 === 7 ? startAt + (1 + (row % 20)) * hour : undefined
          )
          const windows = yield* read(world.client)
          assert.isEmpty(windows.at(-1)?.rows.sessions())
          const reasons = windows.map(({ coverage }) => ("reason" in coverage ? coverage.reason._tag : ""))
          assert.notInclude(tags(windows), "Unprovable", reasons.join("; "))
          assert.lengthOf(idsOf(windows), world.count)
          const future = windows.filter(({ from }) => from >= startAt)
          assert.deepStrictEqual(new Set(idsOf(future)), new Set(world.future))
        })
      )
    )
  })

  it.live("rows that the server lists twice come once, and the whole adds up", () =>
    Effect.gen(function* () {
      const one = quiet({ sessions: 3000, undated: 0.02, duplicated: 0.05 })
      const world = open(one)
      const windows = yield* Stream.runCollect(world.stream())
      assert.lengthOf(new Set(idsOf(windows)), idsOf(windows).length)
      assert.isEmpty(Histories.missed(one, world, idsOf(windows)))
      assert.strictEqual(windows.at(-1)?.coverage._tag, "Proven")
    })
  )

  it.live("calls that come during the run do not prevent the proof of those without a start time", () =>
    Effect.gen(function* () {
      const last: Array<string | undefined> = []
      let came = 0
      for (const seed of [1, 2, 3, 4]) {
        const simulator = { seed, sessions: 8000, undated: 0.02, arrivalsPerHour: 120, age: "3 hours" } as const
        const world = open({ ...quiet(simulator), step: 1000 })
        const windows = yield* Stream.runCollect(world.stream())
        came += world.simulator.count({ from: startAt })
        last.push(windows.at(-1)?.coverage._tag)
      }
      assert.isAtLeast(came, 8)
      // One may come between the two counts of each attempt.
      assert.isAtLeast(last.filter((tag) => tag === "Proven").length, 3, last.join())
    })
  )

  it.live("starts after the horizon are provisional, earlier ones are not", () =>
    Effect.gen(function* () {
      const windows = yield* all(quiet({ sessions: 2000, age: "1 minute", span: "1 days" }, { horizon: "6 hours" }))
      const horizon = startAt - 6 * hour
      for (const { coverage, from, to } of windows.slice(0, -1)) {
        // The server's time is that of the first answer, in whole seconds.
        assert.strictEqual(coverage._tag, to <= horizon + second ? "Proven" : "Provisional")
        assert.isFalse(from < horizon && to > horizon + second)
      }
    })
  )

  it.live("filtered by status: provisional; by agent: proven", () =>
    Effect.gen(function* () {
      const range = { from: startAt - 600 * hour, to: startAt - 4 * hour }
      const byStatus = yield* all(quiet({ sessions: 800 }, { status: "completed" }, range))
      assert.isAtLeast(idsOf(byStatus).length, 300)
      assert.deepStrictEqual([...new Set(tags(byStatus))], ["Provisional"])
      const [agentId = ""] = AgniSimulator.makeUnsafe({}, () => 0).agentIds
      const byAgent = yield* all(quiet({ sessions: 800 }, { agentId }, range))
      assert.isAtLeast(idsOf(byAgent).length, 50)
      assert.deepStrictEqual([...new Set(tags(byAgent))], ["Proven"])
    })
  )

  it.live("asks at most 15 % more than it must on a quiet history of 1000 pages", () =>
    Effect.gen(function* () {
      const world = open(quiet({ sessions: 100_000, undated: 0.01 }, { concurrency: 8 }))
      const count = yield* Stream.runFold(
        world.stream(),
        () => 0,
        (sum, { rows }) => sum + rows.length
      )
      assert.strictEqual(count, 100_000)
      assert.isAtMost(world.simulator.requests.length, 1150)
    })
  )

  it.live("asks at most a few dozen requests for a small history", () =>
    Effect.gen(function* () {
      const world = open(quiet({ sessions: 90 }))
      yield* Stream.runDrain(world.stream())
      assert.isAtMost(world.simulator.requests.length, 60)
    })
  )

  it.live("a slow consumer stops the requests: concurrency + 1 windows at most", () =>
    Effect.gen(function* () {
      const world = open(quiet({ sessions: 4000 }, { concurrency: 2, pagesPerWindow: 4 }))
      let taken = 0
      let most = 0
      yield* Stream.runForEach(world.stream(), (window) =>
        Effect.gen(function* () {
          taken += window.requests
          for (let turns = 0; turns < 200; turns++) yield* Effect.yieldNow
          most = Math.max(most, world.simulator.requests.length - taken)
        })
      )
      // Learning takes some forty; a window of this size about eight.
      assert.isAtMost(most, 60 + 3 * 12)
    })
  )

  it.live("interrupted anywhere, then resumed with other widths: nothing missing, nothing twice", () =>
    Effect.gen(function* () {
      const one = quiet({ sessions: 1500, maxPageSize: 10, ties: { share: 0.3, ways: 6 } }, { pagesPerWindow: 5 })
      for (const [stop, pagesPerWindow] of [
        [1, 2],
        [3, 20],
        [9, 7],
        [20, 3]
      ] as const) {
        const world = open(one)
        const before = yield* Stream.runCollect(Stream.take(world.stream(), stop))
        const frontier = before.at(-1)?.to ?? 0
        const from = before[0]?.from ?? 0
        const again = yield* Stream.runCollect(
          world.stream({ pagesPerWindow, cuts: [frontier] }, { from, to: startAt })
        )
        assert.isTrue(again.some((window) => window.from === frontier))
        const after = again.filter((window) => window.from >= frontier)
        const ids = [...idsOf(before), ...idsOf(after)]
        assert.strictEqual(new Set(ids).size, ids.length)
        assert.isEmpty(Histories.missed(one, world, ids))
      }
    })
  )

  it.live("a row that cannot be rendered: the windows before it, then the error; with keepGoing a gap of seconds", () =>
    Effect.gen(function* () {
      const one = quiet({ sessions: 1000, maxPageSize: 10, poison: [700] }, { pagesPerWindow: 5 })
      const world = open(one)
      const taken: Array<Window> = []
      const result = yield* Effect.result(
        Stream.runForEach(world.stream(), (window) => Effect.sync(() => taken.push(window)))
      )
      assert.strictEqual(result._tag, "Failure")
      const poisoned = world.simulator.truth()[700]
      const at = poisoned?.startedAt ?? 0
      assert.isAtLeast(taken.length, 3)
      assert.isAtLeast(at, taken.at(-1)?.to ?? Infinity)

      const kept = open(one)
      const windows = yield* Stream.runCollect(kept.stream({ keepGoing: true }))
      const gaps = windows.filter(({ coverage }) => coverage._tag === "Gap")
      const [gap] = gaps.filter(({ from, to }) => to > from)
      assert.isTrue(gap !== undefined && gap.to - gap.from <= 8 * second && gap.from - second <= at)
      assert.deepStrictEqual(
        Histories.missed(one, kept, idsOf(windows)).filter((id) => id !== poisoned?.id).length <= 1,
        true
      )
    })
  )

  it.live("with keepGoing everything comes but the rows that cannot be rendered, however close the others are", () =>
    Effect.forEach([10, 37], (maxPageSize) =>
      Effect.gen(function* () {
        const poison = [400, 401, 900]
        const one = quiet({ sessions: 1500, span: "10 minutes", maxPageSize, poison }, { keepGoing: true })
        const world = open(one)
        const windows = yield* Stream.runCollect(world.stream())
        const truth = world.simulator.truth()
        assert.deepStrictEqual(
          new Set(Histories.missed(one, world, idsOf(windows))),
          new Set(poison.map((row) => truth[row]?.id ?? ""))
        )
        const ids = idsOf(windows)
        assert.lengthOf(new Set(ids), ids.length)
        for (const row of poison) {
          const at = truth[row]?.startedAt ?? 0
          const [found] = windows.filter(({ from, to }) => from <= at && at < to)
          assert.strictEqual(found?.coverage._tag, "Gap")
        }
        for (const window of windows) {
          const starts = window.rows.sessions().map((session) => startInstant(session) ?? 0)
          assert.deepStrictEqual(
            starts,
            starts.toSorted((left, right) => left - right)
          )
          assert.isTrue(starts.every((start) => start >= window.from && start < window.to))
        }
      })
    )
  )

  it.live("with keepGoing a row that cannot be rendered loses no call without a start time", () =>
    Effect.forEach(["postgres", "first", "last"] as const, (undatedOrder) =>
      Effect.forEach([[300], [0, 699]], (poison) =>
        Effect.gen(function* () {
          const one = quiet({ sessions: 700, undated: 0.2, undatedOrder, maxPageSize: 20, poison }, { keepGoing: true })
          const world = open(one)
          const windows = yield* Stream.runCollect(world.stream())
          const truth = world.simulator.truth()
          const lost = new Set(poison.map((row) => truth[row]?.id ?? ""))
          assert.deepStrictEqual(new Set(Histories.missed(one, world, idsOf(windows))), lost)
          assert.lengthOf(new Set(idsOf(windows)), 700 - poison.length)
          const last = windows.at(-1)
          const undated = poison.some((row) => truth[row]?.startedAt === undefined)
          assert.strictEqual(last?.coverage._tag, undated ? "Gap" : "Unprovable")
        })
      )
    )
  )

  const failed = (reason: AgniError["reason"]) =>
    new AgniError({ reason, request: "GET", attempts: 5, elapsed: Duration.seconds(30) })
  const reset = failed(new Unavailable({ outage: { _tag: "Unreachable", code: "ECONNRESET" } }))
  const overloaded = failed(new Unavailable({ outage: { _tag: "Status", status: 503, quote: "no upstream" } }))

  it.live("a row that breaks the connection each time is a gap too, with keepGoing", () =>
    Effect.gen(function* () {
      const one = quiet({ sessions: 600, maxPageSize: 10 }, { pagesPerWindow: 5, keepGoing: true })
      const world = open(one)
      const broken = world.simulator.truth()[300]
      const list: AgniClient["Service"]["list"] = (query) =>
        Effect.flatMap(world.client.list(query), (page) =>
          page.rows.sessions().some(({ id }) => id === broken?.id) ? Effect.fail(reset) : Effect.succeed(page)
        )
      const windows = yield* Stream.runCollect(world.streamOf({ list }))
      const gaps = windows.filter(({ coverage, from, to }) => coverage._tag === "Gap" && to > from)
      assert.lengthOf(gaps, 1)
      const [gap] = gaps
      const at = broken?.startedAt ?? 0
      assert.isTrue(gap !== undefined && gap.to - gap.from <= 8 * second && gap.from - second <= at)
      assert.isAtMost(Histories.missed(one, world, idsOf(windows)).length, 2)
    })
  )

  it.live("a server that is down ends the run, and soon", () =>
    Effect.forEach([0, 30, 60], (up) =>
      Effect.forEach([reset, overloaded], (error) =>
        Effect.gen(function* () {
          const one = quiet({ sessions: 2000, maxPageSize: 10 }, { pagesPerWindow: 5, keepGoing: true })
          const world = open(one)
          let asked = 0
          const list: AgniClient["Service"]["list"] = (query) =>
            Effect.suspend(() => (++asked > up ? Effect.fail(error) : world.client.list(query)))
          const result = yield* Effect.result(Stream.runDrain(world.streamOf({ list })))
          assert.strictEqual(result._tag, "Failure")
          assert.isAtMost(asked, up + 30)
        })
      )
    )
  )

  describe("a start that is text but no time", () => {
    const strange = (world: Histories.World, rows: ReadonlyArray<number>) => {
      const truth = world.simulator.truth()
      const ids = rows.map((row) => truth[row]?.id ?? "").toSorted((left, right) => left.localeCompare(right))
      const list: AgniClient["Service"]["list"] = (query) =>
        Effect.map(world.client.list(query), (page) => ({
          ...page,
          rows: CallRows.ofSessions(
            page.rows
              .sessions()
              .map((session) =>
                ids.includes(session.id) ? Struct.assign(session, { startedAt: "half past nine" }) : session
              ),
            page.observedAt
          )
        }))
      return { ids, list }
    }
    const rejectedOf = (windows: ReadonlyArray<Window>) =>
      windows
        .flatMap(({ rejected }) => rejected.map((record) => ({ stage: record.stage, id: Rows.keyOf(record) })))
        .toSorted((left, right) => left.id.localeCompare(right.id))

    it.live("comes once, as rejected, and the window is proven", () =>
      Effect.forEach([5, 20, 100], (maxPageSize) =>
        Effect.gen(function* () {
          const one = quiet(
            { sessions: 300, maxPageSize },
            { pagesPerWindow: 2 },
            { from: startAt - 720 * hour - 100 * hour, to: startAt - 2.5 * hour }
          )
          const world = open(one)
          const { ids, list } = strange(world, [20, 21, 22, 23, 24, 25, 26, 100, 200])
          const windows = yield* Stream.runCollect(world.streamOf({ list }))
          assert.deepStrictEqual(
            rejectedOf(windows),
            ids.map((id) => ({ stage: "range", id }))
          )
          assert.isEmpty(Histories.missed(one, world, [...idsOf(windows), ...ids]))
          assert.deepStrictEqual(
            [...new Set(Histories.finalCoverage(windows).map(({ coverage }) => coverage._tag))],
            ["Proven"]
          )
        })
      )
    )

    it.live("comes once in a whole history, which adds up", () =>
      Effect.gen(function* () {
        const one = quiet({ sessions: 300, maxPageSize: 20, undated: 0.05 }, { pagesPerWindow: 2 })
        const world = open(one)
        const { ids, list } = strange(world, [0, 100, 101, 299])
        const windows = yield* Stream.runCollect(world.streamOf({ list }))
        const all = [...idsOf(windows), ...rejectedOf(windows).map(({ id }) => id)]
        assert.strictEqual(new Set(all).size, all.length)
        assert.isEmpty(Histories.missed(one, world, all))
        assert.isTrue(ids.every((id) => all.includes(id)))
        const old = Histories.finalCoverage(windows).filter(({ to }) => to <= startAt - 2 * hour)
        assert.deepStrictEqual([...new Set(old.map(({ coverage }) => coverage._tag))], ["Proven"])
        assert.strictEqual(windows.at(-1)?.coverage._tag, "Proven")
      })
    )

    it.live("comes once where two windows touch", () =>
      Effect.gen(function* () {
        const range = { from: startAt - 820 * hour, to: startAt - 2.5 * hour }
        const simulator = { sessions: 300, maxPageSize: 20 }
        const start = open(quiet(simulator, {}, range)).simulator.truth()[150]?.startedAt ?? 0
        const world = open(quiet(simulator, { cuts: [Math.floor(start / second) * second] }, range))
        const { ids, list } = strange(world, [150])
        const windows = yield* Stream.runCollect(world.streamOf({ list }))
        assert.deepStrictEqual(
          rejectedOf(windows).map(({ id }) => id),
          ids
        )
      })
    )

    it.live("comes once, as a session, where bounds do not work", () =>
      Effect.gen(function* () {
        const one = quiet(
          { sessions: 300, maxPageSize: 20, bounds: { ignored: "all" } },
          {},
          { from: startAt - 800 * hour, to: startAt }
        )
        const world = open(one)
        const { ids, list } = strange(world, [100, 101])
        const windows = yield* Stream.runCollect(world.streamOf({ list }))
        assert.isEmpty(rejectedOf(windows))
        assert.deepStrictEqual(
          idsOf(windows)
            .filter((id) => ids.includes(id))
            .toSorted((left, right) => left.localeCompare(right)),
          ids
        )
        assert.isTrue(tags(windows).every((tag) => tag === "Unprovable"))
      })
    )
  })

  it.live("where bounds do not work, a range has the calls without a start time that were created in it", () =>
    Effect.gen(function* () {
      const range = { from: startAt - 400 * hour, to: startAt - 100 * hour }
      const one = quiet({ sessions: 300, undated: 0.3, maxPageSize: 20, bounds: { ignored: "all" } }, {}, range)
      const created = open(one)
        .simulator.truth()
        .filter(
          ({ createdAt, startedAt }) => startedAt === undefined && createdAt >= range.from && createdAt < range.to
        )
        .map(({ id }) => id)
      assert.isAbove(created.length, 10)
      for (const [withoutStart, expected] of [
        ["include", created.length],
        ["skip", 0]
      ] as const) {
        const ids = new Set(idsOf(yield* Stream.runCollect(open(one).stream({ withoutStart }))))
        assert.strictEqual(created.filter((id) => ids.has(id)).length, expected)
      }
    })
  )

  it.live("429s, resets and broken bodies change nothing", () =>
    Effect.gen(function* () {
      const faults = [Fault.tooManyRequests(), Fault.reset, Fault.truncated(), Fault.status(503), Fault.unsuccessful]
      const one = { ...quiet({ sessions: 600, maxPageSize: 20, faultRate: 0.2, faults }), client: true }
      const world = open(one)
      const windows = yield* Stream.runCollect(world.stream())
      assert.isEmpty(Histories.missed(one, world, idsOf(windows)))
      assert.deepStrictEqual([...new Set(tags(windows))].sort(), ["Proven", "Provisional"])
    })
  )

  it.live("a range that ends before it begins is refused before any request", () =>
    Effect.gen(function* () {
      const at = startAt - 4 * hour
      for (const from of [at + 1, at + hour]) {
        const error = yield* Effect.flip(all(quiet({ sessions: 3 }, {}, { from: from, to: at })))
        assert.strictEqual(error.reason._tag, "InvalidRequest")
        assert.strictEqual(error.attempts, 0)
      }
    })
  )

  it.live("an outage that answers nothing is not an empty window", () =>
    Effect.gen(function* () {
      const to = startAt - 4 * hour
      const one = quiet(
        { sessions: 300, script: [{ on: { from: 6 }, fault: Fault.emptyAnswer, times: 1000 }] },
        {},
        {
          from: startAt - 700 * hour,
          to: to
        }
      )
      const windows = yield* all(one)
      assert.notInclude(
        windows.filter(({ rows }) => rows.sessions().length === 0).map(({ coverage }) => coverage._tag),
        "Proven"
      )
    })
  )
})

describe("History.windows where it once said proven with a session missing", () => {
  for (const [name, one] of Object.entries(found)) {
    it.live(name, () =>
      Effect.gen(function* () {
        const result = yield* Effect.result(Histories.run(one))
        // A poisoned page whose last try met another fault ends the run, which claims nothing then.
        if (result._tag === "Failure") assert.isTrue(Histories.mayFail(one), result.failure.message)
        else assert.deepStrictEqual(result.success.wrong, [])
      })
    )
  }
})
