/** Dead letters of a pipeline that redacts: nothing in them says what was taken out. */
import { Checkpoint } from "@callstream/core/checkpoint/Checkpoint"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Version from "../../src/model/Version.ts"
import * as Instant from "../../src/model/Instant.ts"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Coverage from "@callstream/core/history/Coverage"
import * as Redact from "@callstream/core/transform/Redact"
import * as Redacting from "../../src/transform/internal/Redacting.ts"
import * as Select from "../../src/transform/internal/Select.ts"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHmac } from "node:crypto"
import { sourceOf } from "./Parts.ts"
import { seal } from "@callstream/core/pipeline/DeadLetter"

const keyed: Redact.KeyedHash = {
  fingerprint: "ab12",
  hash: (text) => createHmac("sha256", "a key").update(text).digest("hex").slice(0, 32)
}

const memory = <A>(name: string, refuses: (id: string) => boolean, rows: Array<A>): SessionSink.SessionSink<A> =>
  SessionSink.make({
    name,
    delivery: "append",
    open: ({ from }) =>
      Effect.succeed({
        committed: from,
        write: ({ items }) =>
          Effect.sync(() => {
            for (const { id, row } of items) if (!refuses(id)) rows.push(row)
            return items.flatMap(({ id }) => (refuses(id) ? [{ id, reason: `will not take +14155550123` }] : []))
          }),
        flush: (cursor) => Effect.succeed({ at: cursor, note: null }),
        finish: Effect.void
      })
  })

const digits = "4155550123"

const sessions: ReadonlyArray<CallSession> = [
  { id: "a", callerNumber: `+1${digits}`, summary: "fails", metadata: { from: Number(`1${digits}`) } },
  { id: `call-1${digits}`, callerNumber: `+1${digits}`, callerName: "Asha Rao", summary: `ASHA RAO of 1${digits}` },
  { id: "c", callerNumber: `+1${digits}`, status: "completed" }
]

const rejected = [
  { caller_number: `+1${digits}`, note: [`1-415-555-0123 of asha  rao`], caller_name: "Asha Rao" },
  [`+1${digits}`, { customerNumber: Number(`1${digits}`), other: `x1${digits}x` }],
  `call +1${digits}`,
  null
].map((raw, index) => ({
  stage: "decode",
  reason: `Expected an id, got {"+1${digits}"}`,
  raw,
  page: 1,
  index,
  observedAt: Version.of(5)
}))

const run = Effect.fnUntraced(function* (raw: boolean) {
  const letters: Array<DeadLetter> = []
  const rows: Array<object> = []
  const redact = Redacting.redact<CallSession>({ phone: keyed, name: "mask", email: "mask" })
  const transform = redact.pipe(
    Transform.andThen(
      Transform.make<CallSession, CallSession>({
        label: `fails for +1${digits}`,
        columns: (columns) => columns,
        apply: (session) => {
          if (session.summary === "fails") throw new Error("no")
          return session
        }
      })
    ),
    Transform.andThen(Select.select(["id", "callerNumber", "summary"]))
  )
  const items = sessions.map((row) => ({ id: row.id, start: Instant.of(1), row }))
  const window = Coverage.make(items, {
    from: Instant.of(0),
    to: Instant.of(10),
    rejected,
    coverage: { _tag: "Proven" },
    requests: 1,
    observedAt: Instant.of(5)
  })
  yield* Pipeline.make({
    name: "letters",
    source: sourceOf(() => Stream.make(window)),
    transform,
    sinks: [memory<object>("rows", (id) => id.startsWith("call"), rows)],
    deadLetters: memory<DeadLetter>("letters", () => false, letters),
    rawLetters: raw
  })
    .run()
    .pipe(Effect.provide(Checkpoint.layerMemory))
  return { letters, rows, label: redact.label }
})

describe("dead letters", () => {
  it.effect("hold what was redacted, of every record, and the row that a sink refused as it was made", () =>
    Effect.gen(function* () {
      const { label, letters } = yield* run(false)
      assert.strictEqual(letters.length, rejected.length + 2)
      const hash = `phone_${keyed.hash(`phone:+1${digits}`)}`
      for (const letter of letters) {
        const text = JSON.stringify({ ...letter, id: undefined })
        assert.notInclude(text.replace(/[^\d]/g, ""), digits, text)
        assert.notMatch(text, /asha/i)
      }
      const [snake, , , nothing, failed, refused] = letters
      assert.deepInclude(snake, {
        reason: `Expected an id, got {"${hash}"}`,
        record: { caller_number: hash, note: [`${hash} of [name]`], caller_name: "[name]" },
        redaction: { label, fields: ["callerNumber", "note", "callerName"] }
      })
      assert.deepInclude(nothing, { record: null })
      assert.deepInclude(failed, {
        record: { id: "a", callerNumber: hash, summary: "fails", metadata: { from: hash } }
      })
      assert.deepInclude(refused, {
        stage: "sink",
        sink: "rows",
        reason: `will not take ${hash}`,
        // The key, which a replay needs, is as it was.
        id: `call-1${digits}`,
        row: {
          id: `id_${keyed.hash(`id:call-1${digits}`)}`,
          callerNumber: hash,
          summary: `[name] of ${hash}`
        }
      })
      assert.notProperty(refused, "record")
    })
  )

  it.effect("hold the records as they were read when they are to", () =>
    Effect.gen(function* () {
      const { letters } = yield* run(true)
      assert.deepStrictEqual(
        letters.map(({ record }) => record),
        [...rejected.map(({ raw }) => raw), sessions[0], sessions[1]]
      )
      for (const letter of letters) {
        assert.notProperty(letter, "redaction")
        assert.notProperty(letter, "row")
      }
    })
  )

  it.effect("have different names even if only redacted fields differ, the same each time", () =>
    Effect.gen(function* () {
      const same = { stage: "decode", reason: "no id", record: { callerNumber: "[phone]" }, observedAt: Version.of(5) }
      const names = (yield* seal([same, same])).map(({ letter }) => letter)
      assert.strictEqual(new Set(names).size, 2)
      assert.deepStrictEqual(
        (yield* seal([same, same])).map(({ letter }) => letter),
        names
      )
    })
  )
})
