import * as PageWalk from "@callstream/core/history/PageWalk"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { all, between, idsOf, json } from "./Walking.ts"

const orders = ["start-desc", "start-asc", "created-desc", "created-asc", "id-desc", "id-asc", "insertion"] as const

const configuration = {
  seed: between(1, 1_000_000),
  sessions: between(0, 300),
  pageSize: between(1, 40),
  maxPageSize: between(1, 60),
  offsetFrom: Schema.Literals(["asked", "clamped"]),
  beyondLast: Schema.Literals(["empty", "last", "first"]),
  order: Schema.Literals(orders),
  wire: Schema.Literals(["documented", "seen"]),
  edition: Schema.Literals(["camel", "snake"]),
  emptyList: Schema.Literals(["array", "null", "absent"]),
  duplicated: Schema.Literals([0, 0.1]),
  undated: Schema.Literals([0.01, 0.3]),
  tied: Schema.Boolean,
  concurrency: between(1, 8),
  latency: Schema.Literals([0, 50]),
  faultRate: Schema.Literals([0, 0.2])
}

/** What the walk must find: the whole order in one page, cut up as the options say. */
const expected = (
  options: AgniSimulator.Options,
  pageSize: number
): { readonly ids: ReadonlyArray<string>; readonly pages: number } => {
  const quiet = AgniSimulator.makeUnsafe(
    { ...options, maxPageSize: 10_000, offsetFrom: "clamped", faultRate: 0, latency: 0 },
    () => 0
  )
  const params = { page: "1", page_size: "10000" }
  const search = "page=1&page_size=10000"
  const { apiKey } = quiet
  const path = AgniSimulator.endpointPath
  quiet.handle(
    { method: "GET", origin: "", path, search, params, headers: { "x-api-key": apiKey } },
    quiet.now() / 1000
  )
  const rows = quiet.requests[0]?.ids ?? []
  const size = Math.min(pageSize, options.maxPageSize ?? 100)
  return { ids: [...new Set(rows)], pages: Math.ceil(rows.length / size) }
}

describe("PageWalk.pages over any quiet endpoint", () => {
  it.effect.prop(
    "brings every session once, in the server's order, with few requests",
    configuration,
    (chosen) =>
      Effect.gen(function* () {
        const { concurrency, pageSize, tied, ...rest } = chosen
        const options: AgniSimulator.Options = {
          ...rest,
          content: "minimal",
          ...(tied ? { ties: { share: 0.5, ways: 10 } } : {})
        }
        const simulator = yield* AgniSimulator.make(options)
        const { elements, error } = yield* all(simulator, PageWalk.pages({ pageSize }, { concurrency }))
        const about = json(chosen)
        assert.isUndefined(error, about)
        const { ids, pages } = expected(options, pageSize)
        assert.deepStrictEqual(idsOf(elements), ids, about)
        assert.isEmpty(simulator.missed(ids), about)
        assert.isEmpty(
          elements.filter((page) => page.rows.sessions().length === 0),
          about
        )
        const faults = simulator.requests.filter(({ outcome }) => outcome === "fault").length
        assert.isAtMost(simulator.requests.length, pages + concurrency + 5 + faults, about)
      }),
    { arbitrary: { runs: 40 } }
  )
})
