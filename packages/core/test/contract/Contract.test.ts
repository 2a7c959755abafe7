import { AgniClient } from "@callstream/core/client/AgniClient"
import { CallSession, CreditBreakdown, fieldNames } from "@callstream/core/model/CallSession"
import * as CallSessions from "@callstream/core/CallSessions"
import * as Extremes from "@callstream/core/history/Extremes"
import * as History from "@callstream/core/history/History"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import * as Plan from "@callstream/core/plan/Plan"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import published from "../../../../docs/openapi.json" with { type: "json" }
import * as Contract from "./Contract.ts"
import * as Validator from "./Validator.ts"

const document = Contract.make()
const validator = Validator.make(document)

/** The exchanges of a use of the endpoint. */
const exchanges = <A, E>(
  options: AgniSimulator.Options,
  use: (simulator: AgniSimulator.AgniSimulator) => Effect.Effect<A, E, AgniClient>,
  apiKey?: string
) =>
  Effect.gen(function* () {
    const simulator = yield* AgniSimulator.make({ content: "varied", ...options })
    const seen: Array<Validator.Exchange> = []
    const observed = Validator.observe(yield* Effect.promise(() => validator), simulator.httpClient, seen)
    const client = yield* AgniClient.make({
      apiKey: Redacted.make(apiKey ?? simulator.apiKey),
      retry: { base: "1 millis", cap: "1 millis" }
    }).pipe(Effect.provideService(HttpClient.HttpClient, observed))
    yield* Effect.exit(Effect.provideService(use(simulator), AgniClient, client))
    return seen
  })

const wrongIn = (seen: ReadonlyArray<Validator.Exchange>) =>
  seen.filter(({ wrong }) => wrong.length > 0).map(({ url, wrong }) => `${url}: ${wrong.join("; ")}`)

const properties = (name: string): ReadonlyArray<string> => {
  const schema: unknown = document.components?.schemas?.[name]
  return Object.keys(Object(Object(schema).properties))
}

describe("the contract", () => {
  it("is published as OpenAPI: after a change, pnpm openapi", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(document)), published)
  })

  it("has the 26 fields of a session, the seven of the credits and the eleven parameters", () => {
    assert.deepStrictEqual(properties("CallSession"), [...fieldNames])
    assert.lengthOf(fieldNames, 26)
    assert.deepStrictEqual(
      properties("CreditBreakdown"),
      Object.keys(Object(Schema.toJsonSchemaDocument(CreditBreakdown).definitions["CreditBreakdown"]?.["properties"]))
    )
    assert.lengthOf(properties("CreditBreakdown"), 7)
    const parameters = document.paths?.[AgniSimulator.endpointPath]?.get?.parameters ?? []
    assert.strictEqual(
      parameters.map((parameter) => ("name" in parameter ? parameter.name : "")).join(" "),
      "page page_size agent_id status channel caller_number search sort_by sort_order started_after started_before"
    )
  })

  it("is stricter than the model, which takes what was seen besides", () => {
    const accepts = Schema.is(CallSession)
    assert.isTrue(accepts({ id: "x", callerName: null, startedAt: "" }))
  })
})

const range = { from: new Date("2026-05-20"), to: new Date("2026-05-25") }
const filters = { status: "completed", channel: "inbound_call", callerNumber: "+14155550123", search: "rao" }

const uses: Readonly<
  Record<string, (simulator: AgniSimulator.AgniSimulator) => Effect.Effect<unknown, unknown, AgniClient>>
> = {
  "one page with all eleven parameters": ({ agentIds }) =>
    Effect.flatMap(AgniClient, ({ list }) =>
      list({
        ...filters,
        page: 1,
        pageSize: 50,
        agentId: agentIds[0],
        sortBy: "startedAt",
        sortOrder: "asc",
        startedAfter: range.from,
        startedBefore: range.to
      })
    ),
  "one page with none": () => Effect.flatMap(AgniClient, ({ list }) => list({})),
  "pages one after the other": () => Stream.runDrain(CallSessions.pages({ pageSize: 30 })),
  "the history": () => Stream.runDrain(History.windows({}, { pageSize: 20 })),
  "a range with filters": ({ agentIds }) =>
    Stream.runDrain(History.windows(range, { ...filters, agentId: agentIds[0] })),
  "a range, with the calls without a start that were created in it": () => Stream.runDrain(History.windows(range)),
  "check, as the command does it": () => EndpointProfile.examine(),
  "plan, as the command does it": () => Plan.make({}, { pageSize: 20 }),
  "plan of a range": ({ agentIds }) =>
    Plan.make({ from: range.from, to: "2026-05-21" }, { agentId: agentIds[0], channel: "inbound_call" }),
  "the newest": () => Stream.runDrain(Extremes.lastWindows(25)),
  "the oldest": () => Stream.runDrain(Extremes.firstWindows(25))
}

describe("every request, and every response of the documented wire, is as the contract says", () => {
  const servers: Readonly<Record<string, AgniSimulator.Options>> = {
    "a quiet server": {},
    "one with calls that never start, or never end": { undated: 0.2, stuck: 0.2, age: 0 },
    "one that repeats its last page, bounds exclusive": {
      beyondLast: "last",
      bounds: { after: "exclusive", before: "exclusive" },
      order: "created-asc"
    },
    "an empty one": { sessions: 0 },
    "one that fails": {
      faultRate: 0.2,
      faults: [
        Fault.tooManyRequests({ retryAfter: "0 seconds" }),
        Fault.status(500),
        Fault.status(503),
        Fault.status(503, { body: "html" }),
        Fault.unsuccessful,
        Fault.emptyAnswer
      ]
    }
  }
  for (const [name, use] of Object.entries(uses)) {
    it.live(name, () =>
      Effect.gen(function* () {
        for (const options of Object.values(servers)) {
          const seen = yield* exchanges({ seed: 11, sessions: 120, startAt: "2026-06-01", ...options }, use)
          assert.isNotEmpty(seen)
          assert.deepStrictEqual(wrongIn(seen), [])
        }
      })
    )
  }

  it.live("refusals too", () =>
    Effect.gen(function* () {
      const list = (query: object) => () => Effect.flatMap(AgniClient, ({ list }) => list(query))
      const unauthorized = yield* exchanges({}, list({}), "another-key")
      const forbidden = yield* exchanges({ forbidden: true }, list({}))
      const refused = yield* exchanges({ unknownSort: "reject" }, list({ sortBy: "nothing" }))
      assert.deepStrictEqual(
        [unauthorized, forbidden, refused].map((seen) => seen.map(({ status }) => status)),
        [[401], [403], [400]]
      )
      assert.deepStrictEqual(wrongIn([...unauthorized, ...forbidden, ...refused]), [])
    })
  )
})

describe("the validator", () => {
  it.live("refuses what was seen and is not documented", () =>
    Effect.gen(function* () {
      const list = () => Effect.flatMap(AgniClient, ({ list }) => list({ pageSize: 100 }))
      const parts: ReadonlyArray<AgniSimulator.Options> = [
        { wire: "seen" },
        { edition: "snake" },
        { missing: "null" },
        { integers: "string" },
        { cost: "number" },
        { timestamps: "go" },
        { undated: 0.5, undatedAs: "empty" },
        { emptyList: "null", sessions: 0 }
      ]
      for (const part of parts) {
        const seen = yield* exchanges(part, list)
        assert.isNotEmpty(wrongIn(seen), JSON.stringify(part))
      }
    })
  )

  it.live("refuses a parameter that the contract does not name, and one of another type", () =>
    Effect.gen(function* () {
      const { exchange } = yield* Effect.promise(() => validator)
      const wrong = (search: string, headers: Readonly<Record<string, string>> = { "x-api-key": "k" }) =>
        exchange(
          { method: "GET", url: new URL(`https://api.ravan.ai${AgniSimulator.endpointPath}?${search}`), headers },
          { status: 200, contentType: "application/json", body: '{"success":true,"data":{"callSessions":[]}}' }
        ).wrong.length
      assert.strictEqual(wrong("page=1&page_size=20"), 0)
      for (const search of ["limit=5", "page=one", "page=0", "sort_order=up", "agent_id=7", "started_after=today"]) {
        assert.isAbove(wrong(search), 0, search)
      }
      assert.isAbove(wrong("page=1", {}), 0)
    })
  )
})
