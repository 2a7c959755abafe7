import { assert, describe, it } from "@effect/vitest"
import * as CallSession from "../../src/model/CallSession.ts"
import * as ExactNumber from "../../src/model/ExactNumber.ts"
import * as Outline from "../../src/model/internal/Outline.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import * as Envelope from "../../src/client/internal/Envelope.ts"
import * as PageScan from "../../src/client/internal/PageScan.ts"
import { AgniSimulator } from "../../src/testing/index.ts"
import { make, page } from "./Responses.ts"

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

  it(`reads calls whose keys differ from those of the call before (seed ${seed})`, () => {
    const random = make(seed)
    const keys = [
      "a",
      "ab",
      "abc",
      "abcd",
      "abcde",
      "abcdX",
      "id2",
      "started_at",
      "durationSec",
      "7",
      "é",
      'a\\"b',
      "callerEmail"
    ]
    let scanned = 0
    for (let i = 0; i < 400; i++) {
      const object = (depth: number): string => {
        const fields = Array.from({ length: random.next(5) }, () => {
          const key = keys[random.next(keys.length)] ?? ""
          const value = depth < 3 && random.next(3) === 0 ? object(depth + 1) : random.next(2) === 0 ? "1" : '"x"'
          return `"${key}":${random.next(6) === 0 ? `[${value},${value}]` : value}`
        })
        return `{${[...(depth === 0 ? [`"id":"${random.next(99)}"`] : []), ...fields].join(",")}}`
      }
      if (agrees(page(...Array.from({ length: 6 }, () => object(0))))) scanned++
    }
    assert.isAtLeast(scanned, 300)
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
