/** Requests for receivers with a format of their own: no signature, further headers, another body. */
import type * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Disk from "./Disk.ts"
import * as Receiver from "./Receiver.ts"
import { batch, inTime, item, run, secrets } from "./run.ts"

const send = (
  more: Partial<WebhookSink.Options>,
  rows: ReadonlyArray<object & { readonly id: string }>,
  receiver = Receiver.make(),
  disk = Disk.make()
) =>
  Effect.map(
    inTime(run({ receiver, disk }, ({ write }) => write(batch(rows.map((row) => item(row.id, row)))), more)),
    (refused) => ({ disk, receiver, refused })
  )

const wrong = (more: Partial<WebhookSink.Options>) =>
  Effect.map(Effect.flip(send(more, [])), ({ description, operation, reason }) => {
    assert.strictEqual(operation, "open")
    return { description, reason }
  })

describe("WebhookSink", () => {
  it.effect("sends without a signature, but with ids, only when an option says so", () =>
    Effect.gen(function* () {
      const { receiver } = yield* send({ secrets: undefined, unsigned: true }, [{ id: "a" }])
      const [message] = receiver.messages
      assert.notProperty(message?.headers, "webhook-signature")
      assert.strictEqual(message?.headers["webhook-id"], message?.headers["idempotency-key"])
      assert.match(message?.headers["webhook-timestamp"] ?? "", /^\d+$/)
      assert.deepStrictEqual((yield* wrong({ secrets: undefined })).reason, {
        _tag: "Secret",
        problem: { _tag: "Empty" }
      })
    })
  )

  it.effect("adds headers, and refuses those that are its own or no headers, without a value", () =>
    Effect.gen(function* () {
      const headers = { Authorization: Redacted.make("Bearer abc def"), "X-Team": Redacted.make("7") }
      const { receiver } = yield* send({ headers }, [{ id: "a" }])
      assert.deepInclude(receiver.messages[0]?.headers, { authorization: "Bearer abc def", "x-team": "7" })
      assert.property(receiver.messages[0]?.headers, "webhook-signature")
      for (const [name, value, problem] of [
        ["Webhook-Id", "x", "reserved"],
        ["Content-Type", "x", "reserved"],
        ["HOST", "x", "reserved"],
        ["X Y", "x", "name"],
        ["", "x", "name"],
        ["X-Y", "secret\r\nHost: evil", "value"],
        ["X-Y", "", "value"]
      ] as const) {
        const { description, reason } = yield* wrong({ headers: { [name]: Redacted.make(value) } })
        assert.deepStrictEqual(reason, { _tag: "Header", header: name, problem })
        assert.notInclude(description, "secret")
      }
    })
  )

  it.effect("sends the body that it is given for each event, in a request of its own, and none for nothing", () =>
    Effect.gen(function* () {
      const body: WebhookSink.Options["body"] = ({ data, sessionId, type }) =>
        sessionId === "b" ? null : { text: `${sessionId} ${type}`, data }
      const { disk, receiver, refused } = yield* send({ body, batchSize: 100 }, [
        { id: "a", n: 12345678901234567890n.toString() } as { id: string },
        { id: "b" },
        { id: "c" }
      ])
      assert.deepStrictEqual(refused, [])
      assert.deepStrictEqual(receiver.messages.map(({ body }) => body).sort(), [
        '{"text":"a call_session.observed","data":{"id":"a","n":"12345678901234567890"}}',
        '{"text":"c call_session.observed","data":{"id":"c"}}'
      ])
      assert.isEmpty(disk.names(), "nothing is kept: it could not be read again")
    })
  )

  it.effect("gives equal bodies of two calls different ids, and one call the same id again", () =>
    Effect.gen(function* () {
      const body = () => ({ text: "Missed" })
      const ids = Effect.suspend(() =>
        Effect.map(send({ body }, [{ id: "a" }, { id: "b" }]), ({ receiver }) =>
          receiver.messages.map(({ id }) => id).sort()
        )
      )
      const first = yield* ids
      assert.strictEqual(new Set(first).size, 2)
      assert.deepStrictEqual(yield* ids, first)
    })
  )

  it.effect("rejects a call that no body can be made of, and one that is refused, and sends the others", () =>
    Effect.gen(function* () {
      const body: WebhookSink.Options["body"] = ({ sessionId }) => {
        if (sessionId === "b") throw new Error("secret")
        return { sessionId }
      }
      const receiver = Receiver.make(({ body }) => (body.includes('"c"') ? 422 : 204))
      const { refused } = yield* send({ body }, [{ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }], receiver)
      assert.deepStrictEqual(refused, [
        { id: "b", reason: "no body could be made of it" },
        { id: "c", reason: "the receiver will not take it (422)" }
      ])
      assert.lengthOf(receiver.messages, 3)
    })
  )

  it.effect("signs a body of its own", () =>
    Effect.gen(function* () {
      const { receiver } = yield* send({ body: () => ({ a: 1 }), secrets: Redacted.make(secrets[0]) }, [{ id: "a" }])
      assert.match(receiver.messages[0]?.headers["webhook-signature"] ?? "", /^v1,/)
    })
  )
})
