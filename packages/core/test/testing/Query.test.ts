import * as Instant from "../../src/model/Instant.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgniSimulator } from "../../src/testing/index.ts"
import { get, ids, iso, list, micros, walk } from "./Asking.ts"

const ascending = (values: ReadonlyArray<number>): boolean =>
  values.every((value, i) => i === 0 || (values[i - 1] ?? 0) <= value)

describe("paging", () => {
  it.effect("20 rows by default, silently no more than 100", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 250 })
      const size = (params: Record<string, number>) => Effect.map(ids(simulator, params), (found) => found.length)
      assert.strictEqual(yield* size({}), 20)
      assert.strictEqual(yield* size({ page_size: 500 }), 100)
      assert.strictEqual(yield* size({ page_size: 500, page: 3 }), 50)
      assert.strictEqual(yield* size({ page_size: 0 }), 20)
      assert.deepStrictEqual(yield* ids(simulator, { page: 0 }), yield* ids(simulator, { page: 1 }))
    })
  )

  it.effect("an offset may come from the size that was asked for", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 1000, offsetFrom: "asked" })
      const found = yield* walk(simulator, {}, 500)
      assert.strictEqual(found.length, 200)
      assert.strictEqual(simulator.missed(found).length, 800)
    })
  )

  it.effect("beyond the last page: nothing, the last again, or the first", () =>
    Effect.gen(function* () {
      const at = (beyondLast: "empty" | "last" | "first") =>
        Effect.flatMap(AgniSimulator.make({ sessions: 45, beyondLast }), (simulator) =>
          Effect.all([ids(simulator, { page: 1 }), ids(simulator, { page: 3 }), ids(simulator, { page: 9 })])
        )
      const [, , nothing] = yield* at("empty")
      assert.deepStrictEqual(nothing, [])
      const [, last, again] = yield* at("last")
      assert.strictEqual(last.length, 5)
      assert.deepStrictEqual(again, last)
      const [first, , restarted] = yield* at("first")
      assert.deepStrictEqual(restarted, first)
      const none = yield* AgniSimulator.make({ sessions: 0, beyondLast: "last" })
      assert.deepStrictEqual(yield* ids(none, { page: 4 }), [])
    })
  )

  it.effect("a filter after paging leaves short pages, and loses nothing", () =>
    Effect.gen(function* () {
      for (const filterAfterPaging of ["filters", "all"] as const) {
        const simulator = yield* AgniSimulator.make({ sessions: 200, filterAfterPaging })
        const sizes: Array<number> = []
        const found: Array<string> = []
        for (let page = 1; page <= 10; page++) {
          const part = yield* ids(simulator, { page, channel: "web_call" })
          sizes.push(part.length)
          found.push(...part)
        }
        assert.isTrue(sizes.every((size) => size < 20))
        assert.sameMembers(
          found,
          simulator.truth({ channel: "web_call" }).map(({ id }) => id)
        )
        const bounded = yield* ids(simulator, { started_before: iso(simulator.now() - 20 * 86_400e6) })
        assert.strictEqual(bounded.length === 0, filterAfterPaging === "all")
      }
    })
  )

  it.effect("a row that a join lists twice counts twice in its pages", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100, duplicated: 0.2 })
      const found = yield* walk(simulator)
      assert.strictEqual(new Set(found).size, 100)
      assert.approximately(found.length, 120, 15)
      assert.isAbove(found.filter((id, i) => id === found[i + 1]).length, 5)
    })
  )

  it.effect("malformed numbers are 400", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 1 })
      for (const params of [{ page: "one" }, { page_size: "1.5" }]) {
        const response = yield* get(simulator, params)
        assert.strictEqual(response.status, 400)
        assert.deepInclude(JSON.parse(yield* response.text), { code: 3, details: [] })
      }
    })
  )
})

describe("filters", () => {
  it.effect("agent, status, channel", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 300 })
      const [agentId = ""] = simulator.agentIds
      const truth = (options: AgniSimulator.TruthOptions) => simulator.truth(options).map(({ id }) => id)
      for (const [params, expected] of [
        [{ agent_id: agentId }, truth({ agentId })],
        [{ status: "voicemail" }, truth({ status: "voicemail" })],
        [{ channel: "sip" }, truth({ channel: "sip" })],
        [{ agent_id: agentId, channel: "inbound_call" }, truth({ agentId, channel: "inbound_call" })]
      ] as const) {
        assert.isAbove(expected.length, 0)
        assert.isBelow(expected.length, 300)
        assert.sameMembers(yield* walk(simulator, params), expected)
      }
    })
  )

  it.effect("a malformed agent is 400, an unknown one has no sessions", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 10 })
      const response = yield* get(simulator, { agent_id: "front-desk" })
      assert.strictEqual(response.status, 400)
      assert.include(yield* response.text, "agent_id")
      assert.deepStrictEqual(yield* ids(simulator, { agent_id: "00000000-0000-4000-8000-000000000000" }), [])
    })
  )

  it.effect("caller number and search", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100 })
      const all = yield* list(simulator, { page_size: 100 })
      const caller = all.find(({ callerName, callerNumber }) => callerNumber !== null && callerName !== null)
      const number = caller?.callerNumber ?? ""
      assert.sameMembers(
        yield* walk(simulator, { caller_number: number }),
        all.filter(({ callerNumber }) => callerNumber === number).map(({ id }) => id)
      )
      const name = caller?.callerName ?? ""
      const searched = yield* list(simulator, { search: name.toUpperCase(), page_size: 100 })
      assert.isAbove(searched.length, 0)
      assert.isTrue(searched.every(({ callerName }) => callerName === name))
    })
  )
})

describe("order", () => {
  it.effect("each default order", () =>
    Effect.gen(function* () {
      const keys = {
        "start-desc": (x: AgniSimulator.TrueSession) => -1 * (x.startedAt ?? 0),
        "start-asc": (x: AgniSimulator.TrueSession) => x.startedAt ?? 0,
        "created-desc": (x: AgniSimulator.TrueSession) => -1 * x.createdAt,
        "created-asc": (x: AgniSimulator.TrueSession) => x.createdAt,
        "id-desc": (x: AgniSimulator.TrueSession) => -1 * x.createdAt,
        "id-asc": (x: AgniSimulator.TrueSession) => x.createdAt,
        insertion: (x: AgniSimulator.TrueSession) => x.row
      }
      for (const order of Object.keys(keys) as ReadonlyArray<AgniSimulator.DefaultOrder>) {
        const simulator = yield* AgniSimulator.make({ sessions: 120, order, undated: 0, queued: 0.3 })
        const late = simulator.add({ createdAt: simulator.now() - 9 * 86_400e6 })
        const truth = new Map(simulator.truth().map((session) => [session.id, session]))
        const found = yield* walk(simulator)
        assert.include(found, late)
        assert.isTrue(
          ascending(
            found.flatMap((id) => {
              const session = truth.get(id)
              return session === undefined ? [] : [keys[order](session)]
            })
          ),
          order
        )
      }
    })
  )

  it.effect("sort_by and sort_order, in both spellings", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100, queued: 0.4 })
      const sorted = (sort_by: string, sort_order: string) => list(simulator, { sort_by, sort_order, page_size: 100 })
      const starts = (yield* sorted("started_at", "asc")).flatMap(({ startedAt }) =>
        startedAt === null ? [] : [micros(startedAt)]
      )
      assert.isTrue(ascending(starts))
      const created = (yield* sorted("createdAt", "desc")).map(({ createdAt }) => -micros(createdAt))
      assert.isTrue(ascending(created))
      const lengths = (yield* sorted("duration_sec", "asc")).flatMap(({ durationSec, startedAt }) =>
        startedAt === null ? [] : [durationSec ?? 0]
      )
      assert.isTrue(ascending(lengths))
      const ended = (yield* sorted("ended_at", "asc")).map(({ endedAt }) => micros(endedAt))
      assert.isTrue(ascending(ended))
      assert.deepStrictEqual(
        (yield* sorted("id", "asc")).map(({ id }) => id),
        (yield* sorted("id", "desc")).map(({ id }) => id).toReversed()
      )
    })
  )

  it.effect("an order that isn't accepted is ignored or refused", () =>
    Effect.gen(function* () {
      const lenient = yield* AgniSimulator.make({ sessions: 50, sortFields: ["created_at"] })
      assert.deepStrictEqual(yield* ids(lenient, { sort_by: "id" }), yield* ids(lenient))
      const strict = yield* AgniSimulator.make({ sessions: 50, unknownSort: "reject" })
      assert.strictEqual((yield* get(strict, { sort_by: "mood" })).status, 400)
      const deaf = yield* AgniSimulator.make({ sessions: 50, sorting: "ignored", unknownSort: "reject" })
      assert.deepStrictEqual(yield* ids(deaf, { sort_by: "mood", sort_order: "asc" }), yield* ids(deaf))
    })
  )

  it.effect("rows without a start time are where PostgreSQL puts them, or where an option says", () =>
    Effect.gen(function* () {
      const starts = (options: AgniSimulator.Options, sort_order: string) =>
        Effect.flatMap(AgniSimulator.make({ sessions: 60, undated: 0.2, ...options }), (simulator) =>
          Effect.map(list(simulator, { page_size: 100, sort_order }), (rows) =>
            rows.map(({ startedAt }) => startedAt === undefined)
          )
        )
      assert.isTrue((yield* starts({}, "desc"))[0])
      assert.isTrue((yield* starts({}, "asc")).at(-1))
      assert.isTrue((yield* starts({ undatedOrder: "last" }, "desc")).at(-1))
      assert.isTrue((yield* starts({ undatedOrder: "first" }, "asc"))[0])
    })
  )
})

describe("ties", () => {
  const options = { sessions: 300, ties: { share: 1, ways: 40 }, undated: 0, granularity: "second" } as const

  it.effect("share and ways", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 4000, ties: { share: 0.3, ways: 6 }, undated: 0 })
      const groups = new Map<number, number>()
      for (const { startedAt = 0 } of simulator.truth()) groups.set(startedAt, (groups.get(startedAt) ?? 0) + 1)
      const tied = [...groups.values()].filter((n) => n > 1)
      assert.strictEqual(Math.max(...tied), 6)
      assert.approximately(tied.reduce((a, b) => a + b, 0) / 4000, 0.3, 0.06)
    })
  )

  it.effect("by id, a walk is complete", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make(options)
      assert.deepStrictEqual(simulator.missed(yield* walk(simulator)), [])
    })
  )

  it.effect("by query, two passes agree and both miss rows", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...options, tieOrder: "query" })
      const one = yield* walk(simulator)
      const two = yield* walk(simulator)
      assert.deepStrictEqual(one, two)
      assert.strictEqual(one.length, 300)
      assert.isAbove(simulator.missed(one).length, 20)
      const whole = new Set(one)
      for (const id of yield* walk(simulator, {}, 33)) whole.add(id)
      assert.isBelow(simulator.missed(whole).length, simulator.missed(one).length)
    })
  )

  it.effect("a group that two pages share is shuffled as a whole", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 0, tieOrder: "query" })
      const createdAt = simulator.now() - 1e9
      const byId = Array.from({ length: 40 }, () => simulator.add({ createdAt })).toSorted()
      const second = yield* ids(simulator, { page: 2, sort_order: "asc" })
      assert.strictEqual(new Set(second).size, 20)
      assert.isTrue(second.some((id) => byId.indexOf(id) < 20))
      assert.isTrue(second.some((id) => byId.indexOf(id) >= 20))
    })
  )

  it.effect("calls that are born later tie too", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 0, arrivalsPerHour: 100, ties: { share: 1, ways: 5 } })
      const counts: Array<readonly [number, number]> = []
      for (let minute = 0; minute < 180; minute++) {
        simulator.advance("1 minute")
        counts.push([simulator.now(), simulator.count()])
      }
      // Nothing comes to be in the past.
      for (const [at, count] of counts) assert.strictEqual(simulator.count({ at: Instant.of(at) }), count)
      const born = simulator.truth()
      const instants = new Set(born.map(({ createdAt }) => createdAt))
      assert.isBelow(instants.size * 2, born.length)
      assert.isTrue(born.every(({ createdAt }, i) => i === 0 || createdAt >= (born[i - 1]?.createdAt ?? 0)))
    })
  )

  it.effect("at random, no two requests agree", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...options, tieOrder: "random" })
      assert.notDeepEqual(yield* ids(simulator), yield* ids(simulator))
    })
  )
})

describe("bounds", () => {
  const seconds = 1e6
  const make = (bounds: AgniSimulator.BoundsOptions, options?: AgniSimulator.Options) =>
    AgniSimulator.make({ sessions: 0, ...options, bounds })

  const between = Effect.fnUntraced(function* (bounds: AgniSimulator.BoundsOptions, after: string, before?: string) {
    const simulator = yield* make(bounds)
    const noon = simulator.now() - 36 * 3600 * seconds
    const offsets = [-86_400, -7200, -3600, -1, -0.5, 0, 0.5, 1, 3600, 7200, 86_400]
    const named = new Map(offsets.map((offset) => [simulator.add({ createdAt: noon + offset * seconds }), offset]))
    const found = yield* ids(simulator, {
      sort_order: "asc",
      started_after: after,
      ...(before === undefined ? {} : { started_before: before })
    })
    return found.map((id) => named.get(id))
  })

  it.effect("inclusive or exclusive, each by itself", () =>
    Effect.gen(function* () {
      const [noon, later] = ["2026-05-30T12:00:00Z", "2026-05-30T13:00:00Z"]
      assert.deepStrictEqual(yield* between({}, noon, later), [0, 0.5, 1, 3600])
      assert.deepStrictEqual(yield* between({ after: "exclusive" }, noon, later), [0.5, 1, 3600])
      assert.deepStrictEqual(yield* between({ before: "exclusive" }, noon, later), [0, 0.5, 1])
      assert.deepStrictEqual(yield* between({}, later, noon), [])
    })
  )

  it.effect("cut to the second or the day, shifted, ignored", () =>
    Effect.gen(function* () {
      const [half, later] = ["2026-05-30T12:00:00.4Z", "2026-05-30T13:00:00Z"]
      assert.deepStrictEqual(yield* between({}, half, later), [0.5, 1, 3600])
      assert.deepStrictEqual(yield* between({ truncate: "second" }, half, later), [0, 0.5, 1, 3600])
      assert.deepStrictEqual(
        yield* between({ truncate: "day" }, half),
        [-7200, -3600, -1, -0.5, 0, 0.5, 1, 3600, 7200, 86_400]
      )
      assert.deepStrictEqual(yield* between({ shift: "1 hour" }, half, later), [7200])
      assert.deepStrictEqual(
        yield* between({ ignored: "fraction" }, half, later),
        [-86_400, -7200, -3600, -1, -0.5, 0, 0.5, 1, 3600]
      )
      assert.strictEqual((yield* between({ ignored: "all" }, later, later)).length, 11)
    })
  )

  it.effect("any zone and precision of ISO 8601", () =>
    Effect.gen(function* () {
      const expected = [1, 3600, 7200, 86_400]
      for (const at of [
        "2026-05-30T12:00:01Z",
        "2026-05-30T17:30:01+05:30",
        "2026-05-30T12:00:01.000000Z",
        "2026-05-30T12:00:00.500001"
      ]) {
        assert.deepStrictEqual(yield* between({}, at), expected, at)
      }
      assert.deepStrictEqual(yield* between({}, "2026-05-31"), [86_400])
    })
  )

  it.effect("by creation, whatever the order", () =>
    Effect.gen(function* () {
      for (const order of ["start-desc", "created-asc", "id-desc", "insertion"] as const) {
        for (const field of ["start", "created"] as const) {
          const simulator = yield* make({ field }, { order })
          const now = simulator.now()
          const hour = 3600 * seconds
          const queued = simulator.add({ createdAt: now - 5 * hour, startedAt: now - 2 * hour })
          simulator.add({ createdAt: now - 9 * hour, startedAt: now - 8 * hour })
          const undated = simulator.add({ createdAt: now - 5 * hour, startedAt: null })
          const found = yield* ids(simulator, {
            started_after: iso(now - 6 * hour),
            started_before: iso(now - 4 * hour)
          })
          assert.sameMembers(found, field === "created" ? [queued, undated] : [])
          const later = yield* ids(simulator, { started_after: iso(now - 3 * hour) })
          assert.sameMembers(later, field === "start" ? [queued] : [])
        }
      }
    })
  )

  it.effect("rows without a start time match no bound, or every upper one", () =>
    Effect.gen(function* () {
      for (const undated of ["none", "before"] as const) {
        const simulator = yield* make({ undated })
        const id = simulator.add({ startedAt: null, createdAt: simulator.now() - 1e9 })
        assert.deepStrictEqual(yield* ids(simulator, { started_after: "2020-01-01" }), [])
        assert.deepStrictEqual(yield* ids(simulator, { started_before: "2030-01-01" }), undated === "none" ? [] : [id])
        assert.deepStrictEqual(yield* ids(simulator), [id])
      }
    })
  )

  it.effect("malformed is 400", () =>
    Effect.gen(function* () {
      const simulator = yield* make({})
      for (const started_after of ["yesterday", "2026-02-30T00:00:00Z", "2026-13-01", "2026-05-30T12:00:00 02:00"]) {
        const response = yield* get(simulator, { started_after })
        assert.strictEqual(response.status, 400, started_after)
        assert.include(yield* response.text, "started_after")
      }
    })
  )
})
