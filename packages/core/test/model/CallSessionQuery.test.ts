import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"

const agentId = "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44"

const parameters = (query: CallSessionQuery.CallSessionQuery) => Result.getOrThrow(CallSessionQuery.toParameters(query))

const refusal = (query: CallSessionQuery.CallSessionQuery) => {
  const result = CallSessionQuery.toParameters(query)
  return Result.isFailure(result) ? result.failure : undefined
}

const everything: Required<CallSessionQuery.CallSessionQuery> = {
  page: 3,
  pageSize: 50,
  agentId,
  status: "completed",
  channel: "voice",
  callerNumber: "+14155550123",
  search: "refund & return",
  sortBy: "startedAt",
  sortOrder: "desc",
  startedAfter: "2026-07-01T00:00:00Z",
  startedBefore: "2026-08-01T00:00:00.117605Z"
}

describe("CallSessionQuery.toParameters", () => {
  it("names all eleven parameters as the wire does, in the contract's order", () => {
    assert.deepStrictEqual(parameters(everything), [
      ["page", "3"],
      ["page_size", "50"],
      ["agent_id", agentId],
      ["status", "completed"],
      ["channel", "voice"],
      ["caller_number", "+14155550123"],
      ["search", "refund & return"],
      ["sort_by", "startedAt"],
      ["sort_order", "desc"],
      ["started_after", "2026-07-01T00:00:00Z"],
      ["started_before", "2026-08-01T00:00:00.117605Z"]
    ])
  })

  it("the order of the query's own keys does not matter", () => {
    const reversed = Object.fromEntries(Object.entries(everything).reverse())
    assert.deepStrictEqual(parameters(reversed), parameters(everything))
  })

  it("an empty query has no parameters, and neither has one of undefineds", () => {
    assert.deepStrictEqual(parameters({}), [])
    assert.deepStrictEqual(parameters({ page: undefined, search: undefined, startedAfter: undefined }), [])
  })

  it("takes a DateTime as a bound, and writes it in UTC", () => {
    const zoned = DateTime.makeZonedUnsafe("2026-07-31T07:16:10.117Z", { timeZone: "Asia/Kolkata" })
    assert.deepStrictEqual(parameters({ startedAfter: zoned }), [["started_after", "2026-07-31T07:16:10.117000Z"]])
  })

  it("keeps the microseconds of a bound", () => {
    assert.deepStrictEqual(parameters({ startedAfter: "2026-07-31T07:16:10.117605Z" }), [
      ["started_after", "2026-07-31T07:16:10.117605Z"]
    ])
  })

  it("trims text", () => {
    assert.deepStrictEqual(parameters({ search: " refund\n", status: " busy" }), [
      ["status", "busy"],
      ["search", "refund"]
    ])
  })

  it("statuses, channels and sort fields are open sets", () => {
    assert.lengthOf(parameters({ status: "teleported", channel: "carrier_pigeon", sortBy: "mood" }), 3)
  })
})

const wrong: ReadonlyArray<readonly [keyof CallSessionQuery.CallSessionQuery, CallSessionQuery.CallSessionQuery]> = [
  ["page", { page: 0 }],
  ["page", { page: -1 }],
  ["page", { page: 1.5 }],
  ["page", { page: NaN }],
  ["page", { page: Infinity }],
  ["page", { page: 2 ** 53 }],
  ["pageSize", { pageSize: 0 }],
  ["pageSize", { pageSize: 2.5 }],
  ["agentId", { agentId: "agent-1" }],
  ["agentId", { agentId: "" }],
  ["agentId", { agentId: `${agentId}\n` }],
  ["callerNumber", { callerNumber: "4155550123" }],
  ["callerNumber", { callerNumber: "+0155550123" }],
  ["callerNumber", { callerNumber: "+1 415 555 0123" }],
  ["callerNumber", { callerNumber: "+1234567890123456" }],
  ["callerNumber", { callerNumber: "" }],
  ["status", { status: " " }],
  ["channel", { channel: "" }],
  ["search", { search: "\t" }],
  ["sortBy", { sortBy: "" }],
  ["startedAfter", { startedAfter: "yesterday" }],
  ["startedAfter", { startedAfter: "2026-02-30" }],
  ["startedBefore", { startedBefore: "" }],
  ["startedAfter", { startedAfter: "2026-08-01", startedBefore: "2026-07-01" }],
  ["startedAfter", { startedAfter: "2026-08-01T00:00:00Z", startedBefore: "2026-08-01T05:30:00+05:30" }]
]

describe("CallSessionQuery refuses, and names the parameter", () => {
  it.each(wrong)("%s: %j", (parameter, query) => {
    const reason = refusal(query)
    assert.strictEqual(reason?.parameter, parameter)
    assert.include(reason?.message, parameter)
    assert.isFalse(reason?.retryable)
  })

  it("sortOrder, which only an untyped caller can get wrong", () => {
    const untyped: CallSessionQuery.CallSessionQuery = JSON.parse('{ "sortOrder": "ascending" }')
    assert.strictEqual(refusal(untyped)?.parameter, "sortOrder")
  })

  it("without repeating personal values", () => {
    assert.notInclude(refusal({ callerNumber: "tel:9715550177" })?.message, "9715550177")
  })

  it("bounds one microsecond apart are a window", () => {
    assert.isUndefined(
      refusal({ startedAfter: "2026-08-01T00:00:00.000001Z", startedBefore: "2026-08-01T00:00:00.000002Z" })
    )
  })
})

describe("CallSessionQuery.describe", () => {
  it("hides the values of caller_number and search, and no others", () => {
    const text = CallSessionQuery.describe(parameters(everything))
    assert.strictEqual(
      text,
      `page=3&page_size=50&agent_id=${agentId}&status=completed&channel=voice&caller_number=…&search=…` +
        "&sort_by=startedAt&sort_order=desc&started_after=2026-07-01T00%3A00%3A00Z" +
        "&started_before=2026-08-01T00%3A00%3A00.117605Z"
    )
  })

  it("is empty for the empty query", () => {
    assert.strictEqual(CallSessionQuery.describe([]), "")
  })

  it("survives half of a surrogate pair", () => {
    assert.strictEqual(CallSessionQuery.describe([["status", "a\ud800"]]), "status=a%EF%BF%BD")
  })

  it("personalValues gives what is hidden", () => {
    assert.deepStrictEqual(CallSessionQuery.personalValues(parameters(everything)), ["+14155550123", "refund & return"])
    assert.deepStrictEqual(CallSessionQuery.personalValues(parameters({ status: "busy" })), [])
  })
})
