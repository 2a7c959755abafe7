import { assert, describe, it } from "@effect/vitest"
import * as CallSession from "../../src/model/CallSession.ts"
import * as ExactNumber from "../../src/model/ExactNumber.ts"
import * as Outline from "../../src/model/internal/Outline.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import * as Envelope from "../../src/client/internal/Envelope.ts"
import * as PageScan from "../../src/client/internal/PageScan.ts"
import { AgniSimulator } from "../../src/testing/index.ts"

type Body = Envelope.Body<Packed.Packed>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const scan = (body: Uint8Array<ArrayBuffer>, hold: "json" | "response" = "json") =>
  PageScan.scan(body.slice(), decoder.decode(body), { hold, outlines: true })

/** What a sync has to know of the calls, from the calls themselves. */
const outlined = (body: Uint8Array) => {
  const read = Envelope.read(decoder.decode(body))
  return read._tag === "Records" ? Outline.make(read.sessions) : undefined
}

/** What parsing makes of it. */
const parse = (body: Uint8Array): Body => {
  const text = decoder.decode(body)
  const read = Envelope.read(text)
  return read._tag === "Records" ? { ...read, sessions: Packed.pack(read.sessions, ExactNumber.mayRound(text)) } : read
}

const shown = (body: Body) => {
  if (body._tag !== "Records") return body
  const { sessions, ...rest } = body
  const items = Packed.unpack(sessions, () => undefined).map((item) => {
    const { json } = item
    return {
      id: item.id,
      start: item.start,
      created: Packed.createdInstant(item),
      settled: Packed.isSettled(item),
      line: json === undefined ? "" : decoder.decode(json.bytes.subarray(json.begin, json.end)),
      row: JSON.stringify(item.row)
    }
  })
  return { ...rest, items }
}

/** The same columns as parsing finds, where calls stay in their response. */
const columns = ({ created, ids, settled, starts }: Packed.Packed) => ({ created, ids, settled, starts })

/** Whether it was scanned; then it is what parsing makes of it. */
const agrees = (body: Uint8Array<ArrayBuffer>): boolean => {
  const [found, beside] = [scan(body), scan(body, "response")]
  assert.strictEqual(found === undefined, beside === undefined)
  if (found?._tag !== "Records" || beside === undefined) return false
  const parsed = parse(body)
  assert.deepStrictEqual(shown(found), shown(parsed))
  assert.isTrue(beside._tag === "Records" && parsed._tag === "Records")
  if (beside._tag !== "Records" || parsed._tag !== "Records") return false
  assert.deepStrictEqual(columns(beside.sessions), columns(parsed.sessions))
  for (const { sessions } of [found, beside]) assert.deepStrictEqual(sessions.outlines, outlined(body))
  // Where a number may be rounded, the response is read again with that in mind.
  assert.isTrue(beside.sessions.mayRound === true || parsed.sessions.mayRound !== true)
  return true
}

const pageOf = (calls: ReadonlyArray<string>) =>
  encoder.encode(`{"success":true,"message":"ok","data":{"callSessions":[${calls.join(",")}]}}`)

const page = (...calls: ReadonlyArray<string>) => pageOf(calls)

/** Texts of JSON at random, of all that servers write and some that none should. */
const make = (seed: number) => {
  let state = seed >>> 0
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const oneOf = <A>(all: ReadonlyArray<A>, otherwise: A): A => all[next(all.length)] ?? otherwise
  const piece = () =>
    oneOf(
      [
        "a",
        " ",
        "é",
        "अ",
        "😀",
        '\\"',
        "\\\\",
        "\\n",
        "\\/",
        "\\u0041",
        "\\ud800",
        "\\ud83d\\ude00",
        "\u2028",
        "…",
        "",
        "http://",
        "?sig=1",
        "&x=1",
        "#",
        "long ascii text of several words",
        "e",
        "_",
        "7"
      ],
      ""
    )
  const string = (most = 6): string => `"${Array.from({ length: next(most) }, piece).join("")}"`
  const number = (): string =>
    oneOf(
      [
        "0",
        "-0",
        "7",
        "-12",
        "1.5",
        "1.50",
        "0.000001",
        "0.0000001",
        "1e5",
        "1E400",
        "1e-7",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
        "0.1",
        "0.30000000000000004",
        "0.1234567890123456789",
        "-1.25e+3",
        "100.0"
      ],
      "0"
    )
  const value = (depth: number): string => {
    const kind = next(depth > 3 ? 4 : 6)
    if (kind === 0) return string()
    if (kind === 1) return number()
    if (kind === 2) return oneOf(["true", "false", "null"], "null")
    if (kind === 3) return `"2026-07-0${1 + next(9)}T07:16:10.${next(1000)}Z"`
    const values = Array.from({ length: next(4) }, () => value(depth + 1))
    return kind === 4
      ? `[${values.join(",")}]`
      : `{${values.map((each) => `${oneOf([string(3), '"10"', '"duration_sec"', '"__proto__"'], "")}:${each}`).join(",")}}`
  }
  const time = () =>
    oneOf(['"2026-07-31T07:16:10Z"', '"2026-07-31T07:16:10.117605Z"', '"0001-01-01T00:00:00Z"', "null", '""', "7"], "")
  const fields: ReadonlyArray<readonly [string, () => string]> = [
    ["startedAt", time],
    ["createdAt", time],
    ["endedAt", time],
    ["status", () => oneOf(['"completed"', '"no-answer"', '"In Progress"', "null", '"x\\u0079"'], "")],
    ["costTotal", () => oneOf(['"0.30"', '"1e2"', "0.5", "null", '""'], "")],
    ["durationSec", () => oneOf(["60", '"60"', "1.5", "null"], "")],
    ["callLatencyMs", () => oneOf(["60", '"60"'], "")],
    [
      "creditBreakdown",
      () =>
        next(3) === 0
          ? oneOf(['{"total_credits":2}', '{"total_credits":"2"}', "null", "[]", "{}"], "")
          : `{"channel":"voice",${string(4)}:${oneOf(['"0.30"', '" 1"', '"\u00a05"', '""', '"a1"', '"1.0\\n"'], "")}}`
    ],
    [
      "recordingUrl",
      () => (next(3) === 0 ? oneOf(['""', "null", "{}"], "") : `"https://a.b/${next(9)}${string(5).slice(1)}`)
    ],
    ["agentId", () => (next(3) === 0 ? oneOf(['"x"', "null", "5"], "") : string(3))],
    ["organizationId", () => (next(3) === 0 ? oneOf(['"o"', "null"], "") : string(3))],
    ["postCallAnalysisResult", () => (next(3) === 0 ? oneOf(["{}", "null", "[1]", '"a"'], "") : value(2))],
    ["disconnectReason", string],
    ["started_at", time],
    ["summary", () => string(20)],
    ["metadata", () => value(0)]
  ]
  const call = (id: number): string => {
    const own = [`"id":${next(60) === 0 ? oneOf(["7", '""', "null", '"a\\u0062"'], "") : `"call-${id}"`}`]
    for (const [name, write] of fields) if (next(12) > (name.includes("_") ? 10 : 3)) own.push(`"${name}":${write()}`)
    if (next(8) === 0) own.push(`${string(3)}:${value(0)}`)
    if (next(20) === 0) own.push(own[next(own.length)] ?? "")
    return `{${own.join(next(200) === 0 ? ", " : ",")}}`
  }
  const damaged = (body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const at = next(body.length)
    const kind = next(3)
    if (kind === 0) return body.slice(0, at)
    const other = body.slice()
    other[at] = kind === 1 ? next(256) : (encoder.encode('"\\,:{}[]0')[next(9)] ?? 0)
    return other
  }
  return { next, call, damaged }
}

describe("PageScan", () => {
  const seed = Number(process.env["SEED"] ?? 1)

  it(`makes of any response what parsing makes of it, or leaves it (seed ${seed})`, () => {
    const random = make(seed)
    let scanned = 0
    for (let i = 0; i < 800; i++) {
      const body = page(...Array.from({ length: 1 + random.next(4) }, (_, id) => random.call(id)))
      if (agrees(body)) scanned++
      agrees(random.damaged(body))
    }
    assert.isAtLeast(scanned, 500)
  })

  it(`scans the pages of the simulator (seed ${seed})`, () => {
    for (const content of ["minimal", "varied"] as const) {
      const now = Date.UTC(2026, 6, 31)
      const simulator = AgniSimulator.makeUnsafe({ seed, sessions: 90, undated: 10, content }, () => now)
      const { body } = simulator.handle(
        {
          method: "GET",
          origin: "https://api.ravan.ai",
          path: "/api/v1/calling/call-sessions",
          search: "page_size=100",
          params: { page_size: "100" },
          headers: { "x-api-key": simulator.apiKey }
        },
        now
      )
      assert.isTrue(agrees(typeof body === "string" ? encoder.encode(body) : Uint8Array.from(body)))
    }
  })

  const id = '"id":"a"'
  const keptOf = (call: string) => {
    const body = scan(page(call))
    return body?._tag === "Records" ? body.sessions.bytes.length : undefined
  }

  it("copies nothing of calls that are written as JSON.stringify writes them", () => {
    const body = page(`{${id},"n":1.5,"text":"é \\n …"}`)
    const found = PageScan.scan(body, decoder.decode(body), { hold: "json", outlines: false })
    assert.isTrue(found?._tag === "Records" && found.sessions.bytes.buffer === body.buffer)
  })

  it.each([
    [`{${id},"b":1,"b":2}`, `{${id},"b":2}`],
    [`{${id},"b":{"c":1,"d":{"c":1},"c":2}}`, `{${id},"b":{"c":2,"d":{"c":1}}}`],
    [`{${id},"b":{"x":1,"7":2}}`, `{${id},"b":{"7":2,"x":1}}`],
    [`{${id},"b":"\\u0041\\/"}`, `{${id},"b":"A/"}`],
    [`{${id},"\\u0062":1}`, `{${id},"b":1}`],
    [`{${id},"b":"\u2028"}`, `{${id},"b":"\\u2028"}`],
    [`{${id},"b":1.50}`, `{${id},"b":1.5}`],
    [`{${id},"b":-0}`, `{${id},"b":0}`],
    [`{${id},"b":0.0000001}`, `{${id},"b":1e-7}`],
    [`{${id},"b":1e2}`, `{${id},"b":100}`],
    [`{${id},"started_at":"2026-07-31T07:16:10Z"}`, `{${id},"startedAt":"2026-07-31T07:16:10Z"}`],
    [`{${id},"durationSec":"60"}`, `{${id},"durationSec":60}`],
    [`{${id},"costTotal":"1e2"}`, `{${id},"costTotal":"100"}`],
    [`{${id},"costTotal":0.5}`, `{${id},"costTotal":"0.5"}`],
    [`{${id},"creditBreakdown":{"total_credits":"2"}}`, `{${id},"creditBreakdown":{"total_credits":2}}`],
    [`{${id},"b":12345678901234567890}`, `{${id},"b":12345678901234567890}`]
  ])("writes %s as JSON.stringify does", (call, line) => {
    assert.strictEqual(keptOf(call), encoder.encode(`[${line}]`).length)
    assert.isTrue(agrees(page('{"id":"x"}', call, '{"id":"y"}')))
  })

  it.each([
    ["white space", `{${id}, "b":1}`],
    ["no id", '{"b":1}'],
    ["what is no object", "7"],
    ["a number with zeros in front", `{${id},"b":01}`],
    ["a wrong escape", `{${id},"b":"\\x"}`],
    ["a control character", `{${id},"b":"\t"}`],
    ["a wrong literal", `{${id},"b":nul}`],
    ["a comma too many", `{${id},}`],
    ["a character that may stand for wrong bytes", `{${id},"b":"\ufffd"}`],
    ["deep nesting", `{${id},"b":${"[".repeat(100)}${"]".repeat(100)}}`]
  ])("leaves %s to the parser", (_, call) => {
    assert.isUndefined(scan(page(call)))
  })

  it.each([
    ["another edition", `{"success":true,"data":[{${id}}]}`],
    ["two lists", `{"data":{"callSessions":[{${id}}],"callSessions":[]}}`],
    ["a list elsewhere", `{"success":true,"more":{"callSessions":[{${id}}]}}`],
    ["data that comes again", `{"data":{"callSessions":[{${id}}]},"data":null}`],
    ["a failure", `{"success":false,"data":{"callSessions":[{${id}}]}}`],
    ["something behind the end", `{"data":{"callSessions":[{${id}}]}}}`],
    ["a list with its name in another spelling", `{"a":{"callSessions":[{${id}}]},"data":{"call\\u0053essions":[]}}`],
    ["a list with space behind its name", `{"a":{"callSessions":[{${id}}]},"data":{"callSessions" :[]}}`],
    ["a list within a text", `{"a":"callSessions\\":[{","data":{"callSessions":[{${id}}]}}`]
  ])("leaves %s to the parser", (_, text) => {
    assert.isUndefined(scan(encoder.encode(text)))
  })

  it("does not confuse fields of a call with fields of what is in it", () => {
    assert.isTrue(agrees(page(`{"metadata":{"id":"b","startedAt":"2026-07-31T07:16:10Z"},${id}}`)))
    assert.isTrue(agrees(page(`{${id},"metadata":{"id":"b","durationSec":"1"}}`)))
    assert.isTrue(agrees(page(`{"list":[{"id":"b","durationSec":"1"}],${id}}`)))
  })

  it("finds fields behind characters of several bytes", () => {
    const call = `{"summary":"é अ 😀",${id},"startedAt":"2026-07-31T07:16:10Z","status":"completed"}`
    assert.isTrue(agrees(page(call, call)))
    assert.strictEqual(CallSession.startInstant({ id: "a", startedAt: "2026-07-31T07:16:10Z" }), shownStart(call))
  })

  const shownStart = (call: string) => {
    const body = scan(page(call))
    return body?._tag === "Records" ? body.sessions.starts[0] : undefined
  }
})
