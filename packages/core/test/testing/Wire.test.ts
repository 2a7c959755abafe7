import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgniSimulator } from "../../src/testing/index.ts"
import { get, text } from "./Asking.ts"

type Json = Record<string, unknown>

const fields = [
  "agentId agentName calleeNumber callLatencyMs callerEmail callerName callerNumber channel costTotal createdAt",
  "creditBreakdown disconnectReason durationSec endedAt errorMessage extractDynamicVariables id metadata organizationId",
  "postCallAnalysisResult promptDynamicVariables recordingUrl roomId startedAt status summary"
]
  .join(" ")
  .split(" ")
  .sort()

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const records = Effect.fnUntraced(function* (options: AgniSimulator.Options) {
  const simulator = yield* AgniSimulator.make({ sessions: 100, ...options })
  const envelope = JSON.parse(yield* text(simulator, { page_size: 100 }))
  const list: ReadonlyArray<Json> = options.edition === "snake" ? envelope.data : envelope.data.callSessions
  return list
})

const distinct = (list: ReadonlyArray<Json>, key: string): Set<unknown> => new Set(list.map((record) => record[key]))
const kinds = (list: ReadonlyArray<Json>, key: string): Set<string> =>
  new Set(list.flatMap((record) => (record[key] === null || record[key] === undefined ? [] : typeof record[key])))

describe("the wire", () => {
  it.effect("26 fields in either edition, the same values, the customer's keys untouched", () =>
    Effect.gen(function* () {
      const camel = yield* records({ cost: "string" })
      const other = yield* records({ cost: "string", edition: "snake" })
      assert.deepStrictEqual(Object.keys(camel[0] ?? {}).sort(), fields)
      assert.deepStrictEqual(Object.keys(other[0] ?? {}).sort(), fields.map(snake).sort())
      for (const [i, record] of camel.entries()) {
        for (const field of fields) {
          if (field !== "recordingUrl") assert.deepStrictEqual(other[i]?.[snake(field)], record[field], field)
        }
      }
      assert.isTrue(camel.some(({ metadata }) => JSON.stringify(metadata).includes("snake_case_key")))
      assert.isTrue(camel.some(({ creditBreakdown }) => JSON.stringify(creditBreakdown).includes("total_credits")))
    })
  )

  it.effect("as documented: text is never null, times are RFC 3339 or left out, integers are numbers", () =>
    Effect.gen(function* () {
      const list = yield* records({ undated: 0.2, stuck: 0.2 })
      const numbers = new Set(["callLatencyMs", "durationSec"])
      const times = new Set(["startedAt", "endedAt", "createdAt"])
      const objects = new Set(["metadata", "promptDynamicVariables", "postCallAnalysisResult", "creditBreakdown"])
      for (const record of list) {
        assert.isEmpty(Object.keys(record).filter((key) => !fields.includes(key)))
        for (const [key, value] of Object.entries(record)) {
          if (key === "extractDynamicVariables") assert.isTrue(typeof value === "object", key)
          else if (numbers.has(key)) assert.isTrue(Number.isInteger(value), key)
          else if (times.has(key)) assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
          else if (objects.has(key)) assert.isTrue(typeof value === "object" && value !== null, key)
          else assert.isString(value, key)
        }
      }
      const credits = list.flatMap(({ creditBreakdown }) => (creditBreakdown === undefined ? [] : [creditBreakdown]))
      assert.isNotEmpty(credits)
      for (const credit of credits) assert.lengthOf(Object.keys(Object(credit)), 7)
      assert.isTrue(list.some((record) => !("startedAt" in record)))
      assert.isTrue(list.some((record) => !("endedAt" in record)))
      assert.isTrue(distinct(list, "extractDynamicVariables").has(null))
    })
  )

  it.effect("as seen: nulls, empty texts, omissions, numeric text, each spelling of a time, unknown fields", () =>
    Effect.gen(function* () {
      const list = yield* records({ wire: "seen", undated: 0.2 })
      const names = distinct(list, "callerName")
      assert.isTrue(names.has(null) && names.has("") && names.has(undefined))
      assert.strictEqual(kinds(list, "callLatencyMs").size, 2)
      assert.isTrue(distinct(list, "callLatencyMs").has(undefined))
      assert.strictEqual(kinds(list, "costTotal").size, 2)
      const created = list.map((record) => String(record["createdAt"]))
      assert.isTrue(created.some((at) => at.endsWith(" +0000 UTC")) && created.some((at) => at.endsWith("Z")))
      const starts = distinct(list, "startedAt")
      for (const start of [null, undefined, "", "0001-01-01T00:00:00Z"]) assert.isTrue(starts.has(start), `${start}`)
      assert.isTrue(list.every((record) => "qualityScores" in record))
      const empty = yield* AgniSimulator.make({ sessions: 0, wire: "seen" })
      assert.deepStrictEqual(JSON.parse(yield* text(empty)).data, { callSessions: null })
    })
  )

  it.effect("the snake edition has meta", () =>
    Effect.gen(function* () {
      const meta = (metaTotal: "number" | "string" | "absent") =>
        Effect.flatMap(AgniSimulator.make({ sessions: 55, edition: "snake", metaTotal }), (simulator) =>
          Effect.map(text(simulator, { page: 2 }), (body): unknown => JSON.parse(body).meta)
        )
      assert.deepStrictEqual(yield* meta("number"), { total: 55, limit: 20, offset: 20 })
      assert.deepStrictEqual(yield* meta("string"), { total: "55", limit: 20, offset: 20 })
      assert.deepStrictEqual(yield* meta("absent"), { limit: 20, offset: 20 })
    })
  )

  it.effect("an empty list in each spelling", () =>
    Effect.gen(function* () {
      const data = (options: AgniSimulator.Options) =>
        Effect.flatMap(AgniSimulator.make({ sessions: 0, ...options }), (simulator) =>
          Effect.map(text(simulator), (body): unknown => JSON.parse(body).data)
        )
      assert.deepStrictEqual(yield* data({}), { callSessions: [] })
      assert.deepStrictEqual(yield* data({ emptyList: "null" }), { callSessions: null })
      assert.deepStrictEqual(yield* data({ emptyList: "absent" }), {})
      assert.deepStrictEqual(yield* data({ edition: "snake" }), [])
      assert.isNull(yield* data({ edition: "snake", emptyList: "null" }))
      assert.isUndefined(yield* data({ edition: "snake", emptyList: "absent" }))
    })
  )

  it.effect("missing values are null, absent, empty, or each at times", () =>
    Effect.gen(function* () {
      const names = (options: AgniSimulator.Options) =>
        Effect.map(records(options), (list) => distinct(list, "callerName"))
      assert.isTrue((yield* names({ missing: "null" })).has(null))
      assert.isTrue((yield* names({ missing: "empty" })).has(""))
      const absent = yield* records({ missing: "absent" })
      assert.isTrue(absent.some((record) => !("callerName" in record)))
      assert.notInclude(JSON.stringify(absent.map((record) => ({ ...record, metadata: {} }))), ":null")
      const mixed = yield* names({ missing: "mixed" })
      assert.isTrue(mixed.has(null) && mixed.has("") && mixed.has(undefined))
    })
  )

  it.effect("zeros may be left out", () =>
    Effect.gen(function* () {
      const kept = distinct(yield* records({}), "callLatencyMs")
      assert.isTrue(kept.has(0))
      const omitted = distinct(yield* records({ zeros: "omitted" }), "callLatencyMs")
      assert.isTrue(omitted.has(undefined) && !omitted.has(0))
    })
  )

  it.effect("integers and cost as numbers or strings", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([...kinds(yield* records({}), "durationSec")], ["number"])
      assert.deepStrictEqual([...kinds(yield* records({ integers: "string" }), "durationSec")], ["string"])
      assert.strictEqual(kinds(yield* records({ integers: "mixed" }), "callLatencyMs").size, 2)
      assert.deepStrictEqual([...kinds(yield* records({}), "costTotal")], ["string"])
      assert.deepStrictEqual(
        [...kinds(yield* records({ edition: "snake", missing: "null" }), "cost_total")],
        ["number"]
      )
      assert.strictEqual(kinds(yield* records({ cost: "mixed" }), "costTotal").size, 2)
    })
  )

  it.effect("timestamps in each spelling tell the same instant", () =>
    Effect.gen(function* () {
      const created = (timestamps: NonNullable<AgniSimulator.Options["timestamps"]>) =>
        Effect.map(records({ timestamps }), (list) => list.map((record) => String(record["createdAt"])))
      const micros = yield* created("micros")
      assert.match(micros[0] ?? "", /^2026-05-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      assert.deepStrictEqual(
        yield* created("seconds"),
        micros.map((at) => `${at.slice(0, 19)}Z`)
      )
      assert.deepStrictEqual(
        yield* created("millis"),
        micros.map((at) => `${at.slice(0, 23)}Z`)
      )
      assert.deepStrictEqual(
        (yield* created("offset")).map((at) => Date.parse(at)),
        micros.map((at) => Date.parse(at))
      )
      assert.isTrue((yield* created("offset")).every((at) => at.endsWith("+05:30")))
      assert.deepStrictEqual(
        yield* created("go"),
        micros.map(
          (at) =>
            `${at
              .slice(0, 26)
              .replace("T", " ")
              .replace(/\.?0+$/, "")} +0000 UTC`
        )
      )
      assert.isAbove(new Set((yield* created("mixed")).map((at) => at.length)).size, 3)
    })
  )

  it.effect("a start that isn't there, in each disguise", () =>
    Effect.gen(function* () {
      const starts = (undatedAs: NonNullable<AgniSimulator.Options["undatedAs"]>) =>
        Effect.map(records({ undated: 1, undatedAs }), (list) => distinct(list, "startedAt"))
      assert.deepStrictEqual([...(yield* starts("null"))], [null])
      assert.deepStrictEqual([...(yield* starts("absent"))], [undefined])
      assert.deepStrictEqual([...(yield* starts("empty"))], [""])
      assert.deepStrictEqual([...(yield* starts("zero"))], ["0001-01-01T00:00:00Z"])
      assert.strictEqual((yield* starts("mixed")).size, 4)
    })
  )

  it.effect("hostile content is valid JSON and keeps its keys", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100, content: "hostile", unknownFields: true })
      const body = yield* text(simulator, { page_size: 100 })
      const list: ReadonlyArray<Json> = JSON.parse(body).data.callSessions
      assert.include(body, `"__proto__":{"polluted":true}`)
      assert.isTrue(
        list.some(
          ({ metadata }) => typeof metadata === "object" && metadata !== null && Object.hasOwn(metadata, "__proto__")
        )
      )
      assert.include(body, "\\ud83d")
      assert.include(body, "qualityScores")
      for (const content of ["plain", "minimal"] as const) {
        const plain = yield* AgniSimulator.make({ sessions: 100, content })
        assert.match(yield* text(plain, { page_size: 100 }), /^[\x20-\x7e]*$/)
      }
    })
  )

  it.effect("a forgetful text cache changes no byte", () =>
    Effect.gen(function* () {
      const body = (textCache: number) =>
        Effect.flatMap(AgniSimulator.make({ sessions: 100, textCache }), (simulator) =>
          Effect.andThen(get(simulator, { page: 2 }), text(simulator, { page_size: 100 }))
        )
      assert.strictEqual(yield* body(1000), yield* body(1e9))
    })
  )
})
