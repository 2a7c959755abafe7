import * as Instant from "../../src/model/Instant.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Version from "../../src/model/Version.ts"
import * as Envelope from "../../src/client/internal/Envelope.ts"

const context = {
  page: 3,
  observedAt: Instant.of(1_785_482_170_000_000),
  version: Version.of(1_785_482_170_117_605),
  age: 7,
  quote: (text: string) => `<${text}>`
}

const decode = (body: unknown) => Envelope.decode(typeof body === "string" ? body : JSON.stringify(body), context)

const pageOf = (body: unknown) => Result.getOrThrow(decode(body))

const reasonOf = (body: unknown) => {
  const result = decode(body)
  return Result.isFailure(result) ? result.failure : undefined
}

describe("Envelope.decode", () => {
  it("reads the camelCase edition", () => {
    const body = { success: true, message: "ok", data: { callSessions: [{ id: "b", agentId: "x" }, { id: "a" }] } }
    const { rows, ...rest } = pageOf(body)
    assert.deepStrictEqual(rows.sessions(), [{ id: "b", agentId: "x" }, { id: "a" }])
    assert.deepStrictEqual([rows.id(1), rows.observedAt(1)], ["a", context.version])
    assert.deepStrictEqual(rest, {
      page: 3,
      rejected: [],
      observedAt: context.observedAt,
      version: context.version,
      age: 7,
      edition: "camelCase",
      total: undefined,
      characters: JSON.stringify(body).length
    })
  })

  it("reads the snake_case edition and its total", () => {
    const found = pageOf({
      success: true,
      data: [{ id: "a", agent_id: "x" }],
      meta: { total: 41, limit: 20, offset: 0 }
    })
    assert.deepStrictEqual(found.rows.sessions(), [{ id: "a", agentId: "x" }])
    assert.strictEqual(found.edition, "snake_case")
    assert.strictEqual(found.total, 41)
  })

  it.each([
    ["41", 41],
    [0, 0],
    ["0", 0],
    [undefined, undefined],
    [null, undefined],
    ["", undefined],
    [" ", undefined],
    [-1, undefined],
    [1.5, undefined],
    ["many", undefined],
    [{}, undefined]
  ])("meta.total %j is %s", (total, expected) => {
    assert.strictEqual(pageOf({ data: [], meta: { total } }).total, expected)
  })

  it("needs no meta", () => {
    assert.isUndefined(pageOf({ data: [] }).total)
    assert.isUndefined(pageOf({ data: [], meta: null }).total)
    assert.isUndefined(pageOf({ data: [], meta: [41] }).total)
  })

  it.each([
    [{ success: true, data: { callSessions: [] } }, "camelCase"],
    [{ success: true, data: { callSessions: null } }, "camelCase"],
    [{ data: { callSessions: [] } }, "camelCase"],
    [{ success: true, data: [] }, "snake_case"],
    [{ success: true, data: {} }, undefined],
    [{ success: true, data: null }, undefined],
    [{ success: true }, undefined],
    [{ success: true, data: null, meta: { total: "0" } }, undefined]
  ])("an empty list is %j", (body, edition) => {
    const found = pageOf(body)
    assert.deepStrictEqual(found.rows.sessions(), [])
    assert.deepStrictEqual(found.rejected, [])
    assert.strictEqual(found.edition, edition)
  })

  it.each([
    [{}],
    [{ data: null }],
    [{ message: "hello" }],
    [{ success: true, data: { agents: [] } }],
    [{ success: true, data: { callSessions: {} } }],
    [{ success: true, data: "none" }],
    [{ success: true, data: 0 }],
    [[]],
    [[{ id: "a" }]],
    ["null"],
    ["5"],
    ['"text"']
  ])("%j is not an empty list but another's answer, which may have come from something between", (body) => {
    const reason = reasonOf(body)
    assert.strictEqual(reason?._tag, "InvalidResponse")
    assert.isTrue(reason?.retryable)
  })

  it.each([
    [{ code: 14, message: "upstream is away" }],
    [{ code: 14, message: "upstream is away", details: [], data: null }],
    [{ error: "upstream is away" }],
    [{ error: { message: "upstream is away" } }],
    [{ success: false, error: { message: "upstream is away" } }]
  ])("%j is an error that should have had another status, with the server's words", (body) => {
    const reason = reasonOf(body)
    assert.strictEqual(reason?._tag, "Unavailable")
    assert.isTrue(reason?.retryable)
    assert.include(reason?.message, "<upstream is away>")
  })

  it.each([
    [{ code: 14, message: "busy", data: [] }],
    [{ success: true, code: 0, message: "ok" }],
    [{ error: null, data: { callSessions: [] } }],
    [{ error: "none", data: { callSessions: [] } }]
  ])("%j is a list", (body) => {
    assert.deepStrictEqual(pageOf(body).rows.sessions(), [])
  })

  it("success: false is a failure whatever else there is", () => {
    for (const data of [undefined, null, [], { callSessions: [{ id: "a" }] }]) {
      const reason = reasonOf({ success: false, message: "database is away", data })
      assert.strictEqual(reason?._tag, "Unavailable")
      assert.isTrue(reason?.retryable)
      assert.include(reason?.message, "<database is away>")
    }
    assert.strictEqual(reasonOf({ success: false, message: 5 })?._tag, "Unavailable")
  })

  it.each(["", '{"success":true,"data":{"callSessions":[{"id":"a"}', '{"id":"SECRET'])(
    "JSON that ends early, %j",
    (text) => {
      const reason = reasonOf(text)
      assert.strictEqual(reason?._tag, "InvalidResponse")
      assert.isTrue(reason?.retryable)
      assert.notInclude(reason?.message, "SECRET")
      assert.include(reason?.message, `${text.length} characters`)
    }
  )

  it("HTML says so", () => {
    const reason = reasonOf("\n<!doctype html><title>SECRET</title>")
    assert.strictEqual(reason?._tag, "InvalidResponse")
    assert.isTrue(reason?.retryable)
    assert.include(reason?.message, "HTML")
    assert.notInclude(reason?.message, "SECRET")
  })

  it("one bad record never fails a page, and is kept whole", () => {
    const bad = { id: "", callerNumber: "+14155550123", extra: [1] }
    const found = pageOf({ data: { callSessions: [{ id: "a" }, bad, { id: "b" }, null, "text"] } })
    assert.deepStrictEqual(found.rows.sessions(), [{ id: "a" }, { id: "b" }])
    assert.deepStrictEqual(
      found.rejected.map(({ reason: _, ...rest }) => rest),
      [
        { stage: "decode", raw: bad, page: 3, index: 1, observedAt: context.version },
        { stage: "decode", raw: null, page: 3, index: 3, observedAt: context.version },
        { stage: "decode", raw: "text", page: 3, index: 4, observedAt: context.version }
      ]
    )
    assert.include(found.rejected[0]?.reason, '["id"]')
    assert.notInclude(found.rejected[0]?.reason, "4155550123")
  })

  it("a __proto__ in the envelope is no data", () => {
    assert.strictEqual(reasonOf('{"__proto__":{"data":[{"id":"a"}],"success":true}}')?._tag, "InvalidResponse")
    assert.strictEqual(reasonOf('{"data":{"__proto__":{"callSessions":[{"id":"a"}]}}}')?._tag, "InvalidResponse")
  })
})
