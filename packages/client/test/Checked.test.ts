import { createClient, memoryLedger, type Rejected, type StandardSchema } from "@callstream/client"
import { simulate } from "@callstream/client/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { drain, failureOf, turns } from "./Simulated.ts"

const make = <M, A>(schemas: { metadata?: StandardSchema<M>; postCallAnalysisResult?: StandardSchema<A> }) => {
  const simulator = simulate({ sessions: 80, content: "varied", undated: 0 })
  const { apiKey, fetch } = simulator
  return { simulator, plain: createClient({ apiKey, fetch }), client: createClient({ apiKey, fetch, schemas }) }
}

/** A schema by hand, as libraries make them. */
const schemaOf = <A>(validate: StandardSchema<A>["~standard"]["validate"]): StandardSchema<A> => ({
  "~standard": { version: 1, vendor: "test", validate }
})

const from = new Date(Date.now() - 40 * 86_400_000)

/** The keys of the first call that has such a field. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

describe("schemas", () => {
  it("type the fields, and what they return takes their place", async () => {
    const metadata = schemaOf<{ readonly keys: number }>((value) => ({
      value: { keys: isRecord(value) ? Object.keys(value).length : -1 }
    }))
    const { client, plain } = make({ metadata })
    const before = await drain(plain.sessions())
    const after = await drain(client.sessions())
    assert.lengthOf(after, before.length)
    let checked = 0
    for (const [i, session] of after.entries()) {
      const own = before[i]?.metadata
      if (own === undefined || own === null) assert.strictEqual(session.metadata, own)
      else {
        checked++
        // Typed by the schema.
        const keys: number | undefined = session.metadata?.keys
        assert.strictEqual(keys, Object.keys(own).length)
      }
      assert.deepStrictEqual(
        { ...session, metadata: own, recordingUrl: "" },
        { ...before[i], metadata: own, recordingUrl: "" }
      )
    }
    assert.isAbove(checked, 10)
  })

  it("of Effect, and of libraries that check asynchronously, are schemas too", async () => {
    const analysis = Schema.toStandardSchemaV1(Schema.Record(Schema.String, Schema.Unknown))
    const slow = schemaOf<string>(async (value) => ({ value: JSON.stringify(value) }))
    const { client } = make({ metadata: slow, postCallAnalysisResult: analysis })
    const sessions = await drain(client.sessions())
    assert.lengthOf(sessions, 80)
    const texts = sessions.flatMap(({ metadata }) => (metadata === undefined || metadata === null ? [] : [metadata]))
    assert.isAbove(texts.length, 10)
    assert.isTrue(texts.every((text) => isRecord(JSON.parse(text))))
  })

  it("get the values of an analysis without their wrapping", async () => {
    const wrapped = { sentiment: { type: "enum", value: "positive" }, score: { type: "number", value: 3 }, flat: true }
    const call = { id: "a", startedAt: "2026-07-31T07:16:10Z", status: "completed", postCallAnalysisResult: wrapped }
    const fetch = async () => Response.json({ success: true, data: { callSessions: [call] } })
    const seen: Array<unknown> = []
    const postCallAnalysisResult = schemaOf<unknown>((value) => {
      seen.push(value)
      return { value }
    })
    const client = createClient({ apiKey: "key", fetch, schemas: { postCallAnalysisResult } })
    const { sessions } = await client.list()
    assert.deepStrictEqual(seen, [{ sentiment: "positive", score: 3, flat: true }])
    assert.deepStrictEqual(sessions[0]?.postCallAnalysisResult, seen[0])
  })

  it("reject calls everywhere, and lose none", async () => {
    const secret = "what a caller said"
    const metadata = schemaOf<never>(() => ({ issues: [{ message: secret, path: ["crm", { key: "id" }] }] }))
    const { client, plain } = make({ metadata })
    const all = await drain(plain.sessions())
    const refused = all.filter((session) => session.metadata !== undefined && session.metadata !== null)
    assert.isAbove(refused.length, 10)

    const rejected: Array<Rejected> = []
    const sessions = client.sessions({ onRejected: (some) => void rejected.push(...some) })
    assert.lengthOf(await drain(sessions), all.length - refused.length)
    assert.lengthOf(rejected, refused.length)
    assert.deepInclude(sessions.verdict, { sessions: all.length - refused.length, rejected: refused.length })
    const [first] = rejected
    assert.deepInclude(first, { stage: "schema", reason: 'your schema refused ["metadata"]["crm"]["id"]' })
    assert.deepInclude(first?.raw, { id: refused[0]?.id })
    assert.strictEqual(first?.issues?.[0]?.message, secret)

    const windows = await drain(client.windows())
    assert.lengthOf(
      windows.flatMap(({ rejected }) => rejected),
      refused.length
    )
    const pages = await drain(client.pages())
    assert.lengthOf(
      pages.flatMap(({ rejected }) => rejected),
      refused.length
    )
    // A change of a call that is refused is a change all the same: it has to be acknowledged.
    const changes = await drain(client.changes({ from, ledger: memoryLedger() }))
    assert.lengthOf(changes, all.length)
    assert.lengthOf(
      changes.filter(({ rejected, session }) => rejected !== undefined && session === undefined),
      refused.length
    )
  })

  it("warn without their own words, which may repeat a value", async () => {
    const lines: Array<string> = []
    const { apiKey, fetch } = simulate({ sessions: 30, content: "varied" })
    const metadata = schemaOf<never>((value) => ({ issues: [{ message: JSON.stringify(value) }] }))
    const log = ({ message }: { readonly message: string }) => void lines.push(message)
    const client = createClient({ apiKey, fetch, log, schemas: { metadata } })
    await drain(client.sessions())
    const warnings = lines.filter((line) => line.includes("left out"))
    assert.isAbove(warnings.length, 0)
    for (const line of warnings)
      assert.match(line, /^\d+ record\(s\) were left out: your schema refused \["metadata"\]$/)
  })

  it("that throw end the loop with what they threw", async () => {
    const mine = new Error("mine")
    const metadata = schemaOf<never>(() => {
      throw mine
    })
    const late = schemaOf<never>(() => Promise.reject(mine))
    for (const schema of [metadata, late]) {
      const { client } = make({ metadata: schema })
      assert.strictEqual(await failureOf(() => drain(client.sessions())), mine)
      assert.strictEqual(await failureOf(() => client.list({ pageSize: 100 })), mine)
    }
  })

  it("that throw beside others that reject leave no rejection alone", async () => {
    let calls = 0
    const metadata = schemaOf<never>(() => {
      if (++calls > 1) throw new Error("at once")
      return Promise.reject(new Error("later"))
    })
    const { client } = make({ metadata })
    assert.instanceOf(await failureOf(() => drain(client.sessions())), Error)
    await turns()
    assert.isAbove(calls, 1)
  })

  it("leave every other field as it came, whatever its name", async () => {
    const body = `{"success":true,"data":{"callSessions":[{"id":"a","metadata":{},"__proto__":{"status":"mine"}}]}}`
    const fetch = async () => new Response(body)
    const metadata = schemaOf((value) => ({ value }))
    const [session] = (await createClient({ apiKey: "key", fetch, schemas: { metadata } }).list()).sessions
    assert.isTrue(Object.hasOwn(session ?? {}, "__proto__"))
    assert.isUndefined(session?.status)
  })
})
