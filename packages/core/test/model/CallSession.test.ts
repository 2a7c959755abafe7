import * as CallSession from "@callstream/core/model/CallSession"
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const decode = (raw: unknown) => Result.getOrThrow(CallSession.fromWire(raw))
const decodeText = (text: string) => decode(ExactNumber.parseJson(text))

const reasonFor = (raw: unknown): string | undefined => {
  const result = CallSession.fromWire(raw)
  return Result.isFailure(result) ? result.failure : undefined
}

/** What a program that knows nothing of the types finds. */
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inside, key) =>
      typeof inside === "object" && inside !== null && Object.hasOwn(inside, key)
        ? Reflect.get(inside, key)
        : undefined,
    value
  )

const id = "019857a2-1f0b-7c3e-9a41-2f6f0c1d7e55"

const session: CallSession.CallSession = {
  id,
  agentId: "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  organizationId: "5a0f6a61-3a1e-4c4e-8a49-0a6f6f6e9d11",
  roomId: `call_${id}`,
  callerNumber: "+14155550123",
  calleeNumber: "+14155550199",
  callerName: "Ada",
  callerEmail: "ada@example.com",
  channel: "inbound_call",
  status: "completed",
  summary: "Asked for a refund.",
  metadata: { caller_number: "theirs", room_id: 1, nested: { started_at: null } },
  errorMessage: "",
  disconnectReason: "user_hangup",
  promptDynamicVariables: { agent_name: "Zoe", "first name": "Ada" },
  extractDynamicVariables: { cost_total: "9", durationSec: "12" },
  callLatencyMs: 812,
  startedAt: "2026-07-31 07:16:10.117605 +0000 UTC",
  endedAt: "2026-07-31T07:17:15.117605Z",
  durationSec: 65,
  createdAt: "2026-07-31T07:16:08Z",
  recordingUrl: "https://api.example/recording?token=abc",
  costTotal: "0.1375",
  agentName: "Reception",
  postCallAnalysisResult: { callee_number: "no", "a.b c": { type: "enum", value: "Neutral" } },
  creditBreakdown: {
    channel: "voice",
    duration_sec: 65,
    model_credits: 1.5,
    provider_credits: 0,
    provider_managed: true,
    telephony_type: "sip",
    total_credits: 1.5
  }
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const toSnake = (record: object) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [snake(name), value]))

const customers = ["metadata", "promptDynamicVariables", "extractDynamicVariables", "postCallAnalysisResult"] as const

describe("the contract", () => {
  it("names 26 fields", () => {
    assert.deepStrictEqual(CallSession.fieldNames, [
      "id",
      "agentId",
      "organizationId",
      "roomId",
      "callerNumber",
      "calleeNumber",
      "callerName",
      "callerEmail",
      "channel",
      "status",
      "summary",
      "metadata",
      "errorMessage",
      "disconnectReason",
      "promptDynamicVariables",
      "extractDynamicVariables",
      "callLatencyMs",
      "startedAt",
      "endedAt",
      "durationSec",
      "createdAt",
      "recordingUrl",
      "costTotal",
      "agentName",
      "postCallAnalysisResult",
      "creditBreakdown"
    ])
    assert.lengthOf(CallSession.fieldNames, 26)
  })

  it("names 7 fields of the credit breakdown, snake_case, each checked by the schema", () => {
    const takes = Schema.is(CallSession.CallSession)
    const wrong: Record<keyof CallSession.CreditBreakdown, unknown> = {
      channel: 1,
      duration_sec: true,
      model_credits: true,
      provider_credits: true,
      provider_managed: "yes",
      telephony_type: 1,
      total_credits: true
    }
    assert.lengthOf(Object.entries(wrong), 7)
    assert.isTrue(takes(session))
    for (const [name, value] of Object.entries(wrong)) {
      assert.isFalse(takes({ id, creditBreakdown: { [name]: value } }), name)
    }
  })

  it("does not compile with a misspelt field", () => {
    // @ts-expect-error statsu is no field, though the schema keeps unknown ones
    assert.isUndefined(session.statsu)
    // @ts-expect-error nor is it one of the credit breakdown
    assert.isUndefined(session.creditBreakdown?.totalCredits)
    // @ts-expect-error an id there must be
    const anonymous: CallSession.CallSession = { status: "completed" }
    assert.isUndefined(anonymous.id)
    const status: CallSession.CallSession["status"] = "any text is a status"
    assert.isString(status)
  })
})

describe("fromWire", () => {
  it("takes the camelCase edition as it is", () => {
    assert.deepStrictEqual(decodeText(JSON.stringify(session)), session)
  })

  it("takes the snake_case edition under the same names", () => {
    const wire = toSnake(session)
    assert.includeMembers(Object.keys(wire), ["agent_id", "post_call_analysis_result", "call_latency_ms", "id"])
    assert.deepStrictEqual(decodeText(JSON.stringify(wire)), session)
  })

  it.each(customers)("leaves the customer's keys in %s alone, even those that look like a record's", (field) => {
    const theirs = Object.fromEntries(CallSession.fieldNames.map((name) => [snake(name), { [snake(name)]: name }]))
    assert.deepStrictEqual(decode({ id, [field]: theirs })[field], theirs)
    assert.deepStrictEqual(decode({ id, [snake(field)]: theirs })[field], theirs)
  })

  it("keeps null, absent and the empty text apart", () => {
    for (const name of CallSession.fieldNames.filter((field) => field !== "id")) {
      for (const key of [name, snake(name)]) {
        const found = decode({ id, [key]: null })
        assert.isTrue(Object.hasOwn(found, name), `${key} is there`)
        assert.isNull(found[name])
      }
    }
    const bare = decode({ id })
    assert.deepStrictEqual(Object.keys(bare), ["id"])
    const empty = decode({ id, summary: "", caller_number: "", costTotal: "" })
    assert.strictEqual(empty.summary, "")
    assert.strictEqual(empty.callerNumber, "")
    assert.strictEqual(empty.costTotal, "")
  })

  it("keeps 0 and missing apart", () => {
    const zeros = decode({
      id,
      durationSec: 0,
      call_latency_ms: 0,
      costTotal: 0,
      creditBreakdown: { total_credits: 0 }
    })
    assert.strictEqual(zeros.durationSec, 0)
    assert.strictEqual(zeros.callLatencyMs, 0)
    assert.strictEqual(zeros.costTotal, "0")
    assert.strictEqual(zeros.creditBreakdown?.total_credits, 0)
    assert.isFalse(Object.hasOwn(decode({ id }), "durationSec"))
    assert.isFalse(Object.hasOwn(zeros.creditBreakdown ?? {}, "model_credits"))
  })

  it("reads numbers that came as text", () => {
    const found = decode({
      id,
      durationSec: "65",
      call_latency_ms: " 812.5 ",
      creditBreakdown: {
        channel: "12",
        telephony_type: "7",
        duration_sec: "65",
        model_credits: "1.5e0",
        provider_credits: "-0.25",
        total_credits: "0",
        other: "3"
      }
    })
    assert.strictEqual(found.durationSec, 65)
    assert.strictEqual(found.callLatencyMs, 812.5)
    assert.deepStrictEqual<unknown>(found.creditBreakdown, {
      channel: "12",
      telephony_type: "7",
      duration_sec: 65,
      model_credits: 1.5,
      provider_credits: -0.25,
      total_credits: 0,
      other: "3"
    })
  })

  it.each([
    [0.1, "0.1"],
    [1e-7, "0.0000001"],
    [1.25e-9, "0.00000000125"],
    [-0.5, "-0.5"],
    [12, "12"],
    [0, "0"],
    [123456.789, "123456.789"],
    [0.30000000000000004, "0.30000000000000004"],
    [1e20, "100000000000000000000"],
    [1.5e300, `15${"0".repeat(299)}`],
    [-5e-324, `-0.${"0".repeat(323)}5`]
  ])("writes the numeric cost %d as the text %s", (number, text) => {
    assert.strictEqual(decode({ id, costTotal: number }).costTotal, text)
    assert.strictEqual(decode({ id, cost_total: number }).costTotal, text)
  })

  it("keeps the text of a cost as it came", () => {
    for (const text of ["0.10", " 3 ", "n/a", "free", "12345678901234567890.123456789", "1e999999999"]) {
      assert.strictEqual(decode({ id, costTotal: text }).costTotal, text)
    }
  })

  it.each([
    ["1e-7", "0.0000001"],
    ["3.0000000000000004e-1", "0.30000000000000004"],
    ["1e+20", "100000000000000000000"],
    ["-2.50E2", "-250"]
  ])("writes the cost %s without its exponent: %s", (from, to) => {
    assert.strictEqual(decode({ id, costTotal: from }).costTotal, to)
    assert.strictEqual(decodeText(`{"id":"${id}","cost_total":${from}}`).costTotal, to)
  })

  it("a cost of more digits than a double has is exact", () => {
    assert.strictEqual(
      decodeText(`{"id":"${id}","costTotal":0.12345678901234567890}`).costTotal,
      "0.1234567890123456789"
    )
    assert.strictEqual(decodeText(`{"id":"${id}","costTotal":1e400}`).costTotal, `1${"0".repeat(400)}`)
    // That many zeros are no cost: it stays the number that it is.
    assert.strictEqual(
      JSON.stringify(decodeText(`{"id":"${id}","costTotal":1e9999}`)),
      `{"id":"${id}","costTotal":1e+9999}`
    )
  })

  it("carries unknown fields through, whatever they hold", () => {
    const unknowns = { brand_new: { deep: [1, null, "x"] }, another: false, zero: 0, nothing: null, "with space": "s" }
    assert.deepStrictEqual<unknown>(decode({ id, ...unknowns }), { id, ...unknowns })
    assert.deepStrictEqual<unknown>(decode({ id, agent_id: "a", ...unknowns }), { id, agentId: "a", ...unknowns })
    assert.deepStrictEqual(at(decode({ id, credit_breakdown: { extra: [1] } }), "creditBreakdown", "extra"), [1])
  })

  it("a key in both spellings loses neither", () => {
    assert.deepStrictEqual<unknown>(decode({ id, agentId: "camel", agent_id: "snake" }), {
      id,
      agentId: "camel",
      agent_id: "snake"
    })
  })
})

const dangerous = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "prototype", "then"]

describe("fromWire and names that JavaScript uses itself", () => {
  const texts = [
    `{"id":"${id}","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"hasOwnProperty":1}`,
    `{"id":"${id}","agent_id":"a","__proto__":{"polluted":true},"constructor":"c","hasOwnProperty":null}`,
    `{"id":"${id}","durationSec":"65","cost_total":1,"__proto__":"text","toString":5,"valueOf":{}}`,
    ...customers.map(
      (field) =>
        `{"id":"${id}","${field}":{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":{"__proto__":2}}}`
    ),
    `{"id":"${id}","creditBreakdown":{"__proto__":{"polluted":true},"total_credits":"7","constructor":1}}`,
    `{"id":"${id}","unknown":{"__proto__":{"polluted":true}}}`
  ]

  it.each(texts)("come through as data: %s", (text) => {
    const out = JSON.stringify(decodeText(text))
    const expected = text
      .replace('"agent_id"', '"agentId"')
      .replace('"cost_total":1', '"costTotal":"1"')
      .replace('"65"', "65")
      .replace('"total_credits":"7"', '"total_credits":7')
    assert.deepStrictEqual(sorted(JSON.parse(out)), sorted(JSON.parse(expected)))
  })

  it.each(dangerous)("%s pollutes nothing", (name) => {
    const found = decodeText(`{"id":"${id}","${name}":{"polluted":true},"metadata":{"${name}":{"polluted":true}}}`)
    assert.isUndefined(Reflect.get({}, "polluted"))
    assert.isUndefined(Reflect.get(found, "polluted"))
    assert.isUndefined(Reflect.get(found.metadata ?? {}, "polluted"))
    assert.strictEqual(Object.getPrototypeOf(found), Object.prototype)
    assert.deepStrictEqual(at(found, name), { polluted: true })
  })
})

/** Entries rather than objects: an assertion library's equality does not look at an own `__proto__`. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? {
          entries: Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
            .map(([key, inside]) => [key, sorted(inside)])
        }
      : value

describe("fromWire keeps what is of another type as it came", () => {
  const odd: ReadonlyArray<unknown> = [[], "", "65s", '{"a":1}', true, 1.5, { a: [1] }, ["x"], [{ id }]]
  const ofContract = CallSession.fieldNames.filter((name) => name !== "id")

  it.each(ofContract)("%s", (name) => {
    for (const value of odd) {
      // Its digits are the one value that has another spelling.
      const kept = name === "costTotal" && value === 1.5 ? "1.5" : value
      for (const key of [name, snake(name)]) {
        assert.deepStrictEqual<unknown>(decode({ id, [key]: value }), { id, [name]: kept }, JSON.stringify(value))
      }
    }
  })

  it("and every reader of a session takes it for missing", () => {
    for (const value of odd.filter((value) => typeof value !== "string")) {
      const found = decode({ id, ...Object.fromEntries(ofContract.map((name) => [name, value])) })
      assert.isUndefined(CallSession.startInstant(found))
      assert.isUndefined(CallSession.endInstant(found))
      assert.strictEqual(CallSession.direction(found), "unknown")
      assert.strictEqual(CallSession.outcome(found), "other")
      assert.isUndefined(CallSession.finalCost(found))
      assert.isUndefined(value === 1.5 ? undefined : CallSession.minutes(found))
      assert.isUndefined(CallSession.customerNumber(found))
      assert.isFalse(CallSession.isSettled(found))
      assert.isUndefined(value === 1.5 ? undefined : CallSession.cost(found))
      assert.isObject(CallSession.analysisValues(found))
    }
    assert.deepStrictEqual(CallSession.analysisValues(decode({ id, postCallAnalysisResult: "text" })), {})
    assert.isUndefined(CallSession.customerNumber(decode({ id, channel: "inbound_call", callerNumber: 14155550123 })))
  })

  it.each(["", " ", "sixty", "0x10", "NaN", "Infinity", "1_000", "1,5"])("the text %j, which is no number", (text) => {
    assert.strictEqual(at(decode({ id, durationSec: text }), "durationSec"), text)
  })

  it("a wrong credit", () => {
    const credits = { total_credits: "many", duration_sec: [1], channel: 5 }
    assert.deepStrictEqual<unknown>(decode({ id, credit_breakdown: credits }).creditBreakdown, credits)
  })

  it("numbers that JSON has not", () => {
    for (const wrong of [NaN, Infinity, -Infinity]) {
      assert.deepStrictEqual<unknown>(decode({ id, durationSec: wrong, costTotal: wrong }), {
        id,
        durationSec: wrong,
        costTotal: wrong
      })
    }
  })
})

describe("fromWire refuses", () => {
  const secret = "sk-live-SECRET-4155550123"

  it.each([[{}], [{ id: "" }], [{ id: null }], [{ id: true }], [{ id: undefined }], [{ ID: id }], [{ id: [id] }]])(
    "a record without an id: %j",
    (record) => {
      assert.include(reasonFor({ ...record, summary: secret }), '["id"]')
      assert.notInclude(reasonFor({ ...record, summary: secret }), "SECRET")
    }
  )

  it.each([[null], [undefined], [[]], [[{ id }]], [secret], [7], [true], [ExactNumber.fromText("1e400")]])(
    "%j, which is no record",
    (raw) => {
      const reason = reasonFor(raw)
      assert.isString(reason)
      assert.notInclude(reason, "SECRET")
    }
  )

  it("no id that is a number: it becomes its digits", () => {
    assert.deepStrictEqual<unknown>(decode({ id: 5, summary: "x" }), { id: "5", summary: "x" })
    assert.deepStrictEqual<unknown>(decodeText('{"id":4876876000000420001}'), { id: "4876876000000420001" })
    assert.isString(reasonFor({ id: NaN }))
  })
})

const text = Schema.NullOr(Schema.String)
const finite = Schema.NullOr(Schema.Finite)
const json = Schema.NullOr(Schema.Record(Schema.String, Schema.Json))

/** A valid record of the camelCase edition as any JSON, extra fields included. */
const records = Schema.Struct({
  extra: Schema.Record(Schema.String, Schema.Json),
  fields: Schema.Struct({
    id: Schema.NonEmptyString,
    agentId: Schema.optionalKey(text),
    callerNumber: Schema.optionalKey(text),
    status: Schema.optionalKey(text),
    summary: Schema.optionalKey(text),
    metadata: Schema.optionalKey(json),
    promptDynamicVariables: Schema.optionalKey(json),
    extractDynamicVariables: Schema.optionalKey(json),
    callLatencyMs: Schema.optionalKey(finite),
    startedAt: Schema.optionalKey(text),
    durationSec: Schema.optionalKey(finite),
    recordingUrl: Schema.optionalKey(text),
    costTotal: Schema.optionalKey(text),
    postCallAnalysisResult: Schema.optionalKey(json),
    creditBreakdown: Schema.optionalKey(
      Schema.NullOr(
        Schema.Struct({
          channel: Schema.optionalKey(text),
          duration_sec: Schema.optionalKey(finite),
          provider_managed: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
          total_credits: Schema.optionalKey(finite)
        })
      )
    )
  })
})

const names = new Set<string>([...CallSession.fieldNames, ...CallSession.fieldNames.map(snake)])

describe("fromWire loses nothing", () => {
  it.prop(
    "every key and value of a valid record comes out again",
    [records],
    ([{ extra, fields }]) => {
      const unknown = Object.entries(extra).filter(([key]) => !names.has(key))
      const wire = JSON.stringify(Object.fromEntries([...Object.entries(fields), ...unknown]))
      const out = JSON.stringify(decodeText(wire))
      assert.deepStrictEqual(sorted(JSON.parse(out)), sorted(JSON.parse(wire)))
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "the same record in either edition is the same session",
    [records],
    ([{ extra, fields }]) => {
      const unknown = Object.fromEntries(Object.entries(extra).filter(([key]) => !names.has(key)))
      const camel = decodeText(JSON.stringify({ ...fields, ...unknown }))
      const older = decodeText(JSON.stringify({ ...toSnake(fields), ...unknown }))
      assert.deepStrictEqual(sorted(older), sorted(camel))
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "and the wire's own object is left as it was",
    [records],
    ([{ fields }]) => {
      const wire: unknown = JSON.parse(JSON.stringify({ ...toSnake(fields), duration_sec: "5", cost_total: 1 }))
      const before = JSON.stringify(wire)
      CallSession.fromWire(wire)
      assert.strictEqual(JSON.stringify(wire), before)
    },
    { arbitrary: { runs: 50 } }
  )
})

describe("reading a session", () => {
  const micros = Date.parse("2026-07-31T07:16:10Z") * 1000

  it("startInstant, endInstant and createdInstant give exact microseconds", () => {
    assert.strictEqual(CallSession.startInstant(session), micros + 117_605)
    assert.strictEqual(CallSession.endInstant(session), micros + 65_117_605)
    assert.strictEqual(CallSession.createdInstant(session), micros - 2_000_000)
  })

  it.each([
    [{}],
    [{ startedAt: null }],
    [{ startedAt: "" }],
    [{ startedAt: "soon" }],
    [{ startedAt: "0001-01-01T00:00:00Z" }],
    [{ startedAt: "0001-01-01 00:00:00 +0000 UTC" }],
    [{ startedAt: "1970-01-01T00:00:00Z" }],
    [{ startedAt: "1999-12-31T23:59:59.999999Z" }]
  ])("%j has no start", (fields) => {
    assert.isUndefined(CallSession.startInstant({ id, ...fields }))
  })

  it("the year 2000 is credible", () => {
    assert.strictEqual(CallSession.startInstant({ id, startedAt: "2000-01-01" }), Date.parse("2000-01-01") * 1000)
  })

  it.each<[string, CallSession.CallSession, CallSession.Direction, string | undefined]>([
    ["inbound_call", { id, channel: "inbound_call" }, "inbound", "caller"],
    ["outbound_call", { id, channel: "outbound_call" }, "outbound", "callee"],
    ["any case", { id, channel: "INBOUND" }, "inbound", "caller"],
    [
      "the credits' channel",
      { id, channel: "voice", creditBreakdown: { channel: "outbound_call" } },
      "outbound",
      "callee"
    ],
    ["the telephony type", { id, creditBreakdown: { telephony_type: "sip_inbound" } }, "inbound", "caller"],
    [
      "the record's own channel first",
      { id, channel: "inbound", creditBreakdown: { channel: "outbound" } },
      "inbound",
      "caller"
    ],
    ["web_call", { id, channel: "web_call" }, "unknown", undefined],
    ["voice", { id, channel: "voice" }, "unknown", undefined],
    ["nothing", { id, channel: null, creditBreakdown: null }, "unknown", undefined]
  ])("direction and customerNumber: %s", (_, fields, direction, customer) => {
    const found = Object.assign({}, fields, { callerNumber: "caller", calleeNumber: "callee" })
    assert.strictEqual(CallSession.direction(found), direction)
    assert.strictEqual(CallSession.customerNumber(found), customer)
  })

  it("customerNumber is undefined when the number is missing, null or empty", () => {
    for (const callerNumber of [null, ""]) {
      assert.isUndefined(CallSession.customerNumber({ id, channel: "inbound", callerNumber, calleeNumber: "callee" }))
    }
    assert.isUndefined(CallSession.customerNumber({ id, channel: "outbound", callerNumber: "caller" }))
  })

  it("minutes are seconds divided by 60, and finalCost is the cost of a final call alone", () => {
    assert.strictEqual(CallSession.minutes({ id, durationSec: 90 }), 1.5)
    assert.strictEqual(CallSession.minutes({ id, durationSec: 0 }), 0)
    assert.isUndefined(CallSession.minutes({ id }))
    const cost = (fields: object) => {
      const found = CallSession.finalCost({ id, costTotal: "0.30", ...fields })
      return found === undefined ? undefined : BigDecimal.format(found)
    }
    const endedAt = "2026-07-31T07:17:15Z"
    assert.strictEqual(cost({ status: "completed", endedAt }), "0.3")
    assert.strictEqual(cost({ status: "No Answer" }), "0.3")
    assert.isUndefined(cost({ status: "completed" }))
    assert.isUndefined(cost({ status: "in_progress", endedAt }))
    assert.isUndefined(cost({ status: "completed", endedAt, costTotal: null }))
  })

  it("cost adds up exactly", () => {
    const sum = BigDecimal.sumAll(
      ["0.1", "0.2"].map((costTotal) => CallSession.cost({ id, costTotal }) ?? BigDecimal.fromStringUnsafe("999"))
    )
    assert.isTrue(BigDecimal.equals(sum, BigDecimal.fromStringUnsafe("0.3")))
    assert.strictEqual(BigDecimal.format(sum), "0.3")
  })

  it.each([
    ["0", "0"],
    [" 12.50 ", "12.5"],
    ["-3", "-3"],
    ["+3", "3"],
    ["1e-7", "0.0000001"],
    [".5", "0.5"],
    ["5.", "5"],
    ["12345678901234567890.123456789", "12345678901234567890.123456789"]
  ])("cost of %j is %s", (costTotal, expected) => {
    const cost = CallSession.cost({ id, costTotal })
    assert.strictEqual(cost === undefined ? undefined : BigDecimal.format(cost), expected)
  })

  it.each([
    [undefined],
    [null],
    [""],
    [" "],
    ["n/a"],
    ["$1"],
    ["1,5"],
    ["NaN"],
    ["0x10"],
    ["."],
    ["1e99999999999999999999"]
  ])("%j is no cost, and not 0", (costTotal) => {
    assert.isUndefined(CallSession.cost(costTotal === undefined ? { id } : { id, costTotal }))
  })

  const done = { id, endedAt: "2026-07-31T07:17:15Z", costTotal: "0" }
  it.each<[string, CallSession.CallSession, boolean]>([
    ["completed with end and cost", { ...done, status: "completed" }, true],
    ["ended with end and cost", { ...done, status: "ended" }, true],
    ["in any case", { ...done, status: " COMPLETED " }, true],
    ["completed without a cost", { id, status: "completed", endedAt: done.endedAt }, false],
    ["completed with a null cost", { ...done, status: "completed", costTotal: null }, false],
    ["completed without an end", { id, status: "completed", costTotal: "1" }, false],
    ["completed with Go's zero end", { ...done, status: "completed", endedAt: "0001-01-01T00:00:00Z" }, false],
    ["failed", { id, status: "failed" }, true],
    ["no_answer", { id, status: "no_answer" }, true],
    ["No Answer", { id, status: "No Answer" }, true],
    ["no-answer", { id, status: "no-answer" }, true],
    ["busy", { id, status: "busy" }, true],
    ["voicemail", { id, status: "voicemail" }, true],
    ["error", { id, status: "error" }, true],
    ["in_progress", { ...done, status: "in_progress" }, false],
    ["in-progress", { ...done, status: "in-progress" }, false],
    ["In Progress", { ...done, status: "In Progress" }, false],
    ["ringing", { ...done, status: "ringing" }, false],
    ["pending", { ...done, status: "pending" }, false],
    ["active", { ...done, status: "active" }, false],
    ["a status nobody knows", { ...done, status: "teleported" }, false],
    ["null", { ...done, status: null }, false],
    ["no status", done, false]
  ])("isSettled: %s", (_, fields, expected) => {
    assert.strictEqual(CallSession.isSettled(fields), expected)
  })

  it("analysisValues unwraps what is wrapped and leaves the rest", () => {
    const values = CallSession.analysisValues({
      id,
      postCallAnalysisResult: {
        flat: "positive",
        wrapped: { type: "enum", value: "Neutral" },
        "a.b c": { type: "boolean", value: false },
        empty: { type: "string", value: null },
        half: { type: "string" },
        untyped: { value: 3 },
        oddly: { type: 5, value: 3 },
        list: [1],
        nothing: null
      }
    })
    assert.deepStrictEqual(values, {
      flat: "positive",
      wrapped: "Neutral",
      "a.b c": false,
      empty: null,
      half: { type: "string" },
      untyped: { value: 3 },
      oddly: { type: 5, value: 3 },
      list: [1],
      nothing: null
    })
  })

  it("analysisValues is empty without an analysis", () => {
    assert.deepStrictEqual(CallSession.analysisValues({ id }), {})
    assert.deepStrictEqual(CallSession.analysisValues({ id, postCallAnalysisResult: null }), {})
  })

  it("analysisValues keeps a customer's __proto__ as data", () => {
    const values = CallSession.analysisValues(
      decodeText(`{"id":"${id}","postCallAnalysisResult":{"__proto__":{"type":"enum","value":"x"},"constructor":"c"}}`)
    )
    assert.deepStrictEqual(Object.entries(values), [
      ["__proto__", "x"],
      ["constructor", "c"]
    ])
    assert.strictEqual(Object.getPrototypeOf(values), Object.prototype)
  })
})
