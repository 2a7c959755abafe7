import { CallSession, ExactNumber } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Expression from "../../src/expression/Expression.ts"
import { show } from "../../src/expression/Mistake.ts"
import * as ExactJson from "../../../core/test/model/ExactJson.ts"

const seed = Number(process.env["SEED"] ?? 1)

const session: CallSession.CallSession = {
  id: "1",
  status: "completed",
  channel: "inbound_call",
  callerNumber: "+14155550123",
  callerName: null,
  summary: "The caller wanted a refund.",
  durationSec: 61,
  callLatencyMs: 0,
  costTotal: "0.10",
  startedAt: "2026-07-31 07:16:10.117605 +0000 UTC",
  endedAt: "0001-01-01T00:00:00Z",
  metadata: {
    attempt: 2,
    vip: true,
    note: null,
    tags: ["warm", "2026"],
    "utm.source": "mail",
    crm: { owner: { team: "emea" } }
  },
  postCallAnalysisResult: { sentiment: { type: "enum", value: "Neutral" }, "Lead Score": 0.7 },
  creditBreakdown: { total_credits: 1.5 }
}

const holds = (text: string, of: CallSession.CallSession = session): boolean =>
  Result.getOrThrowWith(Expression.parse(text), ({ problem }) => new Error(`${text}: ${problem}`)).holds(of)

describe("Expression", () => {
  it("holds for what people write", () => {
    for (const text of [
      `durationSec > 60`,
      `durationSec >= 61 && durationSec < 61.5`,
      `durationSec / 60 > 1 && durationSec % 2 == 1`,
      `status == "completed" && !(channel in ["web", "voice"])`,
      `status in ["completed", 'ended']`,
      `summary.contains("refund") || summary.startsWith("x")`,
      `summary.lowerAscii().startsWith("the caller")`,
      `has(summary) && !has(callerName) && !has(metadata.note) && !has(metadata.no.such.thing)`,
      `startedAt > "2026-07-01" && startedAt < "2026-08-01T00:00:00+02:00"`,
      `startedAt == "2026-07-31T09:16:10.117605+02:00"`,
      `timestamp("2026-07-31T07:16:11Z") > startedAt`,
      `metadata.attempt > 1 && metadata.vip && metadata["utm.source"] == "mail"`,
      `metadata.crm.owner.team == "emea" && metadata.tags[0] == "warm"`,
      `"warm" in metadata.tags && "vip" in metadata && !("cold" in metadata.tags)`,
      `metadata.tags.exists(t, t == "2026") && metadata.tags.all(t, size(t) == 4)`,
      `analysis.sentiment == "Neutral" && analysis["Lead Score"] > 0.5`,
      `direction == "inbound" && customerNumber.startsWith("+1")`,
      `cost == 0.1 && double(costTotal) < 1 && string(durationSec) == "61"`,
      `creditBreakdown.total_credits == 1.5`,
      `callerName == null && durationSec != null && metadata.nothing == null`,
      `callLatencyMs == 0 && -callLatencyMs <= 0`,
      `(durationSec > 60 ? "long" : "short") == "long"`
    ]) {
      assert.isTrue(holds(text), text)
      assert.isFalse(holds(`!(${text})`), text)
    }
  })

  it("takes each comparison with what is missing or null as false, and null itself as a test for it", () => {
    const bare = { id: "1", callerName: null, metadata: { note: null } }
    const operators = ["==", "!=", "<", "<=", ">", ">="]
    for (const operator of operators) {
      for (const [left, right] of [
        ["durationSec", "60"],
        ["60", "durationSec"],
        ["callerName", '"x"'],
        ["callerName", "summary"],
        ["metadata.note", "1"],
        ["metadata.no.such", '"x"'],
        ["startedAt", '"2026-07-01"'],
        ["durationSec + 1", "1"],
        ["size(callerName)", "0"],
        ["callerName.lowerAscii()", '"x"'],
        ["cost", "0"]
      ]) {
        assert.isFalse(holds(`${left} ${operator} ${right}`, bare), `${left} ${operator} ${right}`)
      }
    }
    assert.isFalse(holds(`callerName in ["x"] || summary.contains("") || callerName.startsWith("")`, bare))
    assert.isFalse(holds(`metadata.list.exists(x, true) || metadata.list.all(x, true)`, bare))
    assert.isFalse(holds(`endedAt < "2026-07-01"`), "a time that was never set")
    assert.isTrue(holds(`callerName == null && durationSec == null && id != null && !(durationSec > 60)`, bare))
  })

  it("takes text and numbers of the customer as different, and never throws for what a record holds", () => {
    assert.isFalse(holds(`metadata.attempt == "2"`))
    assert.isTrue(holds(`metadata.attempt != "2"`))
    for (const value of [1, "x", true, null, [], {}, [1], { a: 1 }, "2026-07-01"]) {
      for (const text of [
        `metadata.v > 1`,
        `metadata.v + 1 == 2`,
        `metadata.v.contains("x")`,
        `metadata.v.a.b == 1`,
        `metadata.v[0] == 1`,
        `metadata.v in [1]`,
        `1 in metadata.v`,
        `metadata.v.exists(x, x == 1)`,
        `size(metadata.v) > 0`,
        `double(metadata.v) > 0`,
        `timestamp(metadata.v) > startedAt`,
        `startedAt < metadata.v`,
        `metadata[metadata.v] == 1`,
        `!metadata.v`,
        `metadata.v`
      ]) {
        assert.isBoolean(holds(text, Object.assign({}, session, { metadata: { v: value } })), text)
      }
    }
  })

  it("finds nothing that objects inherit", () => {
    for (const text of [
      `has(metadata.constructor)`,
      `has(metadata.toString)`,
      `has(metadata["__proto__"])`,
      `metadata.tags.length == 2`
    ]) {
      assert.isFalse(holds(text), text)
    }
  })

  it("marks the place of a mistake, before there is a record", () => {
    for (const [text, line, mark, problem, advice] of [
      ["durationSecs > 60", 0, "^^^^^^^^^^^^", /unknown field durationSecs/, /Did you mean durationSec\?/],
      ["started_at > 60", 0, "^^^^^^^^^^", /unknown field/, /startedAt/],
      ['status == "a" && statsu == "b"', 0, "                 ^^^^^^", /unknown field statsu/, /status/],
      ['durationSec > "60"', 0, "^^^^^^^^^^^^^^^^^^", /a number cannot be compared with text/, /double/],
      ["costTotal > 1", 0, "^^^^^^^^^^^^^", /text cannot be compared with a number/, /cost is the number/],
      ['startedAt > "July"', 0, "            ^^^^^^", /this is no time/, /2026-07-31/],
      ['startedAt > timestamp("July")', 0, "                      ^^^^^^", /this is no time/, /2026-07-31/],
      ['callerName.matches("a+")', 0, "^^^^^^^^^^^^^^^^^^^^^^^^", /no regular expressions/, /contains/],
      ['matches(callerName, "a+")', 0, "^^^^^^^^^^^^^^^^^^^^^^^^^", /no regular expressions/, /contains/],
      ["durationSec = 60", 0, "            ^", /not understood/, /Equal is ==/],
      ['status == "a" and id == "b"', 0, "              ^^^", /not understood/, /&&/],
      ["status == “a”", 0, "          ^", /not understood/, /straight quotes/],
      ["durationSec >", 0, "             ^", /breaks off/, /As in/],
      ["", 0, "^", /is empty/, /As in/],
      ['status == "a', 0, "          ^^", /no closing quote/, undefined],
      ["durationSec", 0, "^^^^^^^^^^^", /neither/, /Compare/],
      ["durationSec && true", 0, "^^^^^^^^^^^", /true or false is needed/, /Compare/],
      ["metadata == 1", 0, "^^^^^^^^", /as a whole/, /inside/],
      ["status.x == 1", 0, "^^^^^^^^", /nothing is inside of text/, undefined],
      ['status in "completed"', 0, "          ^^^^^^^^^^^", /looks into a list/, /\["completed"/],
      ["now() > startedAt", 0, "^^^^^", /unknown function now/, /timestamp/],
      ["durationSec > 1 &&\n  durationSecs > 2", 1, "  ^^^^^^^^^^^^", /unknown field/, /durationSec/],
      ['summary == "名" && x == 1', 0, "                   ^", /unknown field x/, /fields/]
    ] as const) {
      const result = Expression.parse(text)
      assert.isTrue(Result.isFailure(result), text)
      if (!Result.isFailure(result)) continue
      const { failure } = result
      const [shown, marked] = show(text, failure)
      assert.strictEqual(shown, text.split("\n")[line])
      assert.strictEqual(marked, mark, text)
      assert.match(failure.problem, problem, text)
      if (advice === undefined) assert.isUndefined(failure.advice, text)
      else assert.match(failure.advice ?? "", advice, text)
    }
  })

  it("compares exactly what a double would round, and everything else as before", () => {
    const of = Result.getOrThrow(
      CallSession.fromWire(
        ExactNumber.parseJson(
          `{"id":"1","metadata":{"id":4876876000000420001,"other":4876876000000420000,"huge":1e400,"tiny":-0.1e-400,
"f":12345678.123456789012,"list":[1,4876876000000420001],"text":"4876876000000420001","deep":{"4876876000000420001":true}}}`
        )
      )
    )
    for (const text of [
      "metadata.id == 4876876000000420001",
      "metadata.id in [1, 4876876000000420001] && metadata.id in metadata.list && metadata.id in metadata.deep",
      "metadata.other == 4876876000000420000 && metadata.id != metadata.other && metadata.id > metadata.other",
      "metadata.id > 4876876000000420000.5 && metadata.id < 4876876000000420001.5 && metadata.id >= 4876876000000420001",
      "-metadata.id == -4876876000000420001 && -metadata.id < 0",
      "metadata.huge > 1 && metadata.huge == double('1e400') && metadata.huge > 1.7976931348623157e308",
      "metadata.tiny < 0 && metadata.tiny > -1.0e-300",
      "metadata.f == 12345678.123456789012 && metadata.f > 12345678.123456789 && int(metadata.f) == 12345678",
      "string(metadata.id) == metadata.text && int(metadata.text) == metadata.id && double(metadata.text) == metadata.id",
      "metadata.list.exists(n, n == 4876876000000420001) && metadata.list[1] == metadata.id",
      "metadata.deep[metadata.id] == true",
      "metadata.id + 1 > 4876876000000000000.0 && metadata.f / 2 < 6172840.0",
      "has(metadata.id) && metadata.id != null && metadata.id != 'x' && metadata.id != true"
    ]) {
      assert.isTrue(holds(text, of), text)
    }
    for (const text of [
      "metadata.id == 4876876000000420000",
      "metadata.other == 4876876000000420001",
      "metadata.id == '4876876000000420001' || metadata.id < '5'",
      "metadata.id in [4876876000000420000, '4876876000000420001']",
      "metadata.other in metadata.list",
      "has(metadata.id.text) || 'text' in metadata.id || metadata.id.exists(x, true) || size(metadata.id) >= 0",
      "metadata.huge * 2 > 0",
      "metadata.f == 12345678.12345679"
    ]) {
      assert.isFalse(holds(text, of), text)
    }
  })

  it("knows a cost to its last digit", () => {
    const of = { id: "1", costTotal: "0.12345678901234567890" }
    assert.isTrue(holds("cost == 0.1234567890123456789 && cost > 0.12345678901234567 && cost * 2 > 0.24", of))
    assert.isFalse(holds("cost == 0.12345678901234568", of))
  })

  it(`compares as decimals do (seed ${seed})`, () => {
    const roll = ExactJson.rollOf(seed)
    const number = (): string => {
      const text = ExactJson.number(roll)
      // What CEL has no way to write, or takes for beyond every number.
      return Number.isFinite(Number(text)) ? text.replace(/^(-?\d+)[eE]/, "$1.0e") : number()
    }
    for (let n = 0; n < 500; n++) {
      const [a, b] = [number(), number()]
      const of = Result.getOrThrow(CallSession.fromWire(ExactNumber.parseJson(`{"id":"1","metadata":{"n":${a}}}`)))
      const [x, y] = [a, b].map((text) => ExactNumber.fromText(text))
      if (x === undefined || y === undefined) return assert.fail(`${a} ${b}`)
      const order = ExactNumber.compare(x, y)
      assert.isTrue(holds(`metadata.n == ${a} && !(metadata.n < ${a}) && metadata.n <= ${a}`, of), a)
      assert.strictEqual(holds(`metadata.n < ${b}`, of), order < 0, `${a} < ${b}`)
      assert.strictEqual(holds(`metadata.n >= ${b}`, of), order >= 0, `${a} >= ${b}`)
      assert.strictEqual(holds(`metadata.n == ${b} && metadata.n in [${b}]`, of), order === 0, `${a} == ${b}`)
    }
  })

  it("has one label, however it is written", () => {
    const label = (text: string) => Result.map(Expression.parse(text), (expression) => expression.label)
    assert.deepStrictEqual(label(` (durationSec)>60&&status=='a' // long`), label(`durationSec > 60 && status == "a"`))
    assert.notDeepEqual(label("durationSec > 60"), label("durationSec > 61"))
    assert.deepStrictEqual(label("cost>0.5"), label("cost > 0.50"))
    for (const [one, two] of [
      ["cost > 0.0000000001", "cost > 0.0000000002"],
      ["metadata.id == 4876876000000420001", "metadata.id == 4876876000000420002"],
      ["metadata.f == 12345678.123456789012", "metadata.f == 12345678.123456789013"],
      ["metadata.f < 1.0e21", "metadata.f < 1.0e22"]
    ] as const) {
      assert.notDeepEqual(label(one), label(two))
    }
  })

  it("refuses what is too deep instead of failing on it", () => {
    for (const text of [
      "(".repeat(5000) + "1" + ")".repeat(5000),
      "!".repeat(5000) + "true",
      `${"true && ".repeat(200_000)}true`
    ]) {
      const result = Expression.parse(text)
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.match(result.failure.problem, /too long or too deep/)
    }
    assert.isTrue(holds(`${"true && ".repeat(900)}true`))
  })
})
