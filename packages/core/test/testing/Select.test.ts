import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgniSimulator } from "../../src/testing/index.ts"
import { ids, iso } from "./Asking.ts"

/** A small generator of its own: what is tested here is the simulator's. */
const chance = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >>> 8) % below
  }
}

const orders = ["start-desc", "start-asc", "created-desc", "created-asc", "id-desc", "id-asc"] as const

/** What a page should hold, by sorting and filtering everything each time. */
const naive = (
  simulator: AgniSimulator.AgniSimulator,
  params: Readonly<Record<string, string | number>>
): ReadonlyArray<string> => {
  const { bounds, order } = simulator.options
  const descending = order.endsWith("desc")
  const low = params["started_after"] === undefined ? -Infinity : Date.parse(String(params["started_after"])) * 1000
  const high = params["started_before"] === undefined ? Infinity : Date.parse(String(params["started_before"])) * 1000
  const bounded = low !== -Infinity || high !== Infinity
  const key = (session: AgniSimulator.TrueSession): number =>
    order.startsWith("start") ? (session.startedAt ?? Infinity) : session.createdAt
  const sorted = simulator
    .truth({
      ...(params["agent_id"] === undefined ? {} : { agentId: String(params["agent_id"]) }),
      ...(params["status"] === undefined ? {} : { status: String(params["status"]) })
    })
    .filter((session) => {
      const instant = bounds.field === "start" ? session.startedAt : session.createdAt
      if (!bounded) return true
      if (instant === undefined) return false
      return (
        (bounds.after === "inclusive" ? low <= instant : low < instant) &&
        (bounds.before === "inclusive" ? instant <= high : instant < high)
      )
    })
    .sort((a, b) => (key(a) === key(b) ? (a.id < b.id ? -1 : 1) : key(a) - key(b)))
  if (descending) sorted.reverse()
  const [page, size] = [Number(params["page"]), Number(params["page_size"])]
  return sorted.slice((page - 1) * size, page * size).map(({ id }) => id)
}

it.effect("every page is what sorting and filtering all sessions gives, while they come, change and go", () =>
  Effect.gen(function* () {
    let rows = 0
    for (let seed = 1; seed <= 40; seed++) {
      const next = chance(seed)
      const simulator = yield* AgniSimulator.make({
        seed,
        sessions: next(120),
        span: "3 hours",
        age: 0,
        order: orders[seed % orders.length],
        granularity: seed % 2 === 0 ? "second" : "milli",
        ties: { share: next(10) / 10, ways: 2 + next(20) },
        queued: 0.2,
        undated: 0.1,
        visible: (["created", "started", "ended"] as const)[next(3)],
        arrivalsPerHour: next(2) * 200,
        departuresPerHour: next(2) * 0.3,
        life: seed % 3 === 0 ? { rare: 40 } : undefined,
        bounds: {
          after: next(2) === 0 ? "inclusive" : "exclusive",
          before: next(2) === 0 ? "inclusive" : "exclusive",
          field: next(2) === 0 ? "start" : "created"
        }
      })
      for (let step = 0; step < 40; step++) {
        const params: Record<string, string | number> = { page: 1 + next(4), page_size: 1 + next(40) }
        // A start that exists, so that it matters which bound is inclusive.
        const truth = simulator.truth()
        const instant = () => iso(truth[next(Math.max(1, truth.length))]?.startedAt ?? simulator.now())
        if (next(2) === 0) params["started_after"] = instant()
        if (next(2) === 0) params["started_before"] = instant()
        if (next(4) === 0) params["agent_id"] = simulator.agentIds[next(5)] ?? ""
        if (next(4) === 0) params["status"] = ["completed", "in_progress", "failed"][next(3)] ?? ""
        const found = yield* ids(simulator, params)
        assert.deepStrictEqual(found, naive(simulator, params), JSON.stringify([seed, step, params]))
        rows += found.length
        if (next(5) === 0) simulator.add({ createdAt: simulator.now() - next(7200) * 1e6 })
        if (next(5) === 0 && found[0] !== undefined) simulator.remove(found[0])
        if (next(2) === 0) simulator.advance(`${next(600)} seconds`)
      }
    }
    assert.isAbove(rows, 5000)
  })
)
