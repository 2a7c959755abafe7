import * as Position from "@callstream/core/model/Position"
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Webhook } from "standardwebhooks"
import * as Disk from "./Disk.ts"
import * as PromptCrypto from "./PromptCrypto.ts"
import * as Receiver from "./Receiver.ts"
import { batch, ids, inTime, item, observedAt, options, run, secrets } from "./run.ts"

const world = (answer?: Parameters<typeof Receiver.make>[0]) => ({ receiver: Receiver.make(answer), disk: Disk.make() })

describe("WebhookSink", () => {
  it.effect("sends what the standardwebhooks package verifies, with either of two secrets", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.now())
      const { disk, receiver } = world()
      const refused = yield* run(
        { disk, receiver },
        (writer) => writer.write(batch(["ü😀", "b"])),
        {
          secrets: Redacted.make(`  ${secrets.join(" \n")} `)
        },
        Layer.empty
      )
      assert.deepStrictEqual(refused, [])
      const [message] = receiver.messages
      assert.lengthOf(receiver.messages, 1)
      if (message === undefined) return
      for (const secret of secrets) new Webhook(secret).verify(message.body, message.headers)
      const other = new Webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
      assert.throws(() => other.verify(message.body, message.headers))
      assert.throws(() => new Webhook(secrets[0]).verify(`${message.body} `, message.headers))

      assert.strictEqual(message.method, "POST")
      assert.strictEqual(message.url, options.url)
      assert.strictEqual(message.headers["content-type"], "application/json")
      assert.strictEqual(message.headers["idempotency-key"], message.id)
      assert.match(message.id, /^msg_[0-9a-f]{32}$/)
      assert.notProperty(message.headers, "traceparent")
      const [event] = message.events
      assert.match(event?.id ?? "", /^evt_[0-9a-f]{32}$/)
      assert.deepStrictEqual(event, {
        id: event?.id ?? "",
        type: "call_session.observed",
        timestamp: "2026-07-31T07:16:10.117605Z",
        sequence: observedAt,
        organization: "acme",
        sessionId: "ü😀",
        data: { id: "ü😀", status: "completed" }
      })
      assert.deepStrictEqual(JSON.parse(message.body), {
        type: "call_session.batch",
        timestamp: "2026-07-31T07:16:10.117605Z",
        data: { events: message.events }
      })
    })
  )

  it.effect("gives each event the version of its row, and sends the earlier one of a session first", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      const at = (id: string, more: number, v: number) => ({
        ...item(id, {}),
        row: { id, v },
        version: Version.of(observedAt + more)
      })
      const rows = [at("a", 7, 2), at("b", 3, 1), at("a", 5, 1), item("c", { id: "c", v: 1 })]
      assert.isEmpty(yield* run({ disk, receiver }, (writer) => writer.write(batch(rows))))
      assert.deepStrictEqual(
        receiver
          .events()
          .filter(({ sessionId }) => sessionId === "a")
          .map(({ data, sequence }) => [data, sequence - observedAt]),
        [
          [{ id: "a", v: 1 }, 5],
          [{ id: "a", v: 2 }, 7]
        ]
      )
      const others = receiver.events().filter(({ sessionId }) => sessionId !== "a")
      assert.deepStrictEqual(
        new Map(others.map(({ sequence, sessionId }) => [sessionId, sequence - observedAt])),
        new Map([
          ["b", 3],
          ["c", 0]
        ])
      )
    })
  )

  it.effect("sends the event itself when it is to send one a request", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      yield* run({ disk, receiver }, (writer) => writer.write(batch(["a", "b"])), { batchSize: 1 })
      assert.sameMembers(
        receiver.messages.map(({ body }) => (JSON.parse(body) as Receiver.Event).sessionId),
        ["a", "b"]
      )
    })
  )

  describe("an event's id", () => {
    const recording = "https://media.example.com/v1/calls/a/recording"
    const row = { id: "a", recordingUrl: `${recording}?token=1`, metadata: { b: 1, a: [{ d: 2, c: null }] } }
    /** The ids of the same session with these rows, each in a run of its own. */
    const idsOf = (rows: ReadonlyArray<unknown>, more: Partial<WebhookSink.Options> = {}) =>
      Effect.forEach(rows, (one, at) =>
        Effect.gen(function* () {
          const { disk, receiver } = world()
          yield* run({ disk, receiver }, (writer) => writer.write(batch([item("a", one)], observedAt + at)), more)
          return receiver.events()[0]?.id
        })
      )

    it.effect("is the same for the same content, whenever it is seen and however it is written", () =>
      Effect.gen(function* () {
        const found = yield* idsOf([
          row,
          row,
          { metadata: { a: [{ c: null, d: 2 }], b: 1 }, recordingUrl: row.recordingUrl, id: "a" },
          { ...row, recordingUrl: `${recording}?token=2&expires=9` },
          { ...row, recordingUrl: recording, gone: undefined }
        ])
        assert.lengthOf(new Set(found), 1)
      })
    )

    it.effect("is another one for other content", () =>
      Effect.gen(function* () {
        const rows = [
          row,
          { ...row, metadata: { b: 2, a: [{ d: 2, c: null }] } },
          { ...row, metadata: { b: 1, a: [{ d: 2 }] } },
          { ...row, recordingUrl: null },
          { ...row, recordingUrl: `${recording}2?token=1` },
          { ...row, metadata: "https://crm.example.com/?contact=1" },
          { ...row, metadata: "https://crm.example.com/?contact=2" },
          { ...row, metadata: 1 },
          { ...row, metadata: "1" },
          { ...row, metadata: [] },
          { ...row, metadata: {} }
        ]
        const found = [...(yield* idsOf(rows)), ...(yield* idsOf([row], { organization: "globex" }))]
        assert.lengthOf(new Set(found), rows.length + 1)
      })
    )

    it.effect("leaves the signature of a URL out everywhere", () =>
      Effect.gen(function* () {
        const of = (signature: string) => ({
          listen: `https://b.s3.amazonaws.com/x.wav?X-Amz-Date=2&X-Amz-Signature=${signature}`
        })
        const [first, second] = yield* idsOf([of("a"), of("b")])
        assert.strictEqual(first, second)
      })
    )

    it.effect.prop("does not depend on the order of keys", [Schema.Record(Schema.String, Schema.Int)], ([data]) =>
      Effect.gen(function* () {
        const [first, second] = yield* idsOf([data, Object.fromEntries(Object.entries(data).reverse())])
        assert.strictEqual(first, second)
      })
    )
  })

  it.effect("respects the limits of size and of requests in flight, and cuts nothing off", () =>
    Effect.gen(function* () {
      for (const [batchSize, batchBytes, concurrency] of [
        [1, 1, 1],
        [7, 1e6, 3],
        [100, 2000, 2],
        [1000, 300, 8]
      ] as const) {
        const { disk, receiver } = world()
        receiver.delay(50)
        const all = ids(100)
        yield* inTime(
          run({ disk, receiver }, (writer) => writer.write(batch(all)), { batchSize, batchBytes, concurrency }),
          "1 second"
        )
        assert.sameOrderedMembers(
          receiver.taken.flatMap(({ events }) => events.map(({ sessionId }) => sessionId)).sort(),
          [...all].sort()
        )
        for (const { body, events } of receiver.messages) {
          assert.isAtMost(events.length, batchSize)
          if (events.length > 1) assert.isAtMost(body.length, batchBytes)
        }
        assert.strictEqual(receiver.most(), concurrency)
        assert.isAtMost(disk.most(), concurrency)
        assert.deepStrictEqual(disk.names(), [])
      }
    })
  )

  it.effect("never has two events of a call in flight, and sends them in order", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world(({ number }) => (number % 3 === 0 ? 503 : 204))
      const rows = Array.from({ length: 30 }, (_, at) => item(`s${at % 5}`, { at }))
      yield* inTime(
        run({ disk, receiver }, (writer) => writer.write(batch(rows)), { batchSize: 2, concurrency: 8 }),
        "1 second"
      )
      for (const id of ids(5)) {
        const seen = receiver.events().filter(({ sessionId }) => sessionId === id)
        assert.deepStrictEqual(
          seen.map(({ data }) => data["at"]),
          [0, 5, 10, 15, 20, 25].map((at) => at + Number(id.slice(1)))
        )
      }
    })
  )

  it.effect("retries with the same id and bytes and a new signature, and repeats messages without an answer", () =>
    Effect.gen(function* () {
      const replies: Array<Receiver.Reply> = ["reset", "lost", 500, 409, "hang", 204]
      const { disk, receiver } = world(({ number }) => replies[number - 1] ?? 204)
      yield* TestClock.setTime(Date.now())
      yield* inTime(run({ disk, receiver }, (writer) => writer.write(batch(["a", "b"]))))
      assert.lengthOf(receiver.messages, 6)
      assert.lengthOf(new Set(receiver.messages.map(({ id }) => id)), 1)
      assert.lengthOf(new Set(receiver.messages.map(({ body }) => body)), 1)
      const webhook = new Webhook(secrets[0])
      for (const { at, body, headers, id } of receiver.messages) {
        assert.strictEqual(headers["webhook-timestamp"], String(Math.floor(at / 1000)))
        assert.strictEqual(headers["webhook-signature"], webhook.sign(id, new Date(at), body))
      }
      assert.lengthOf(receiver.taken, 2)
      assert.deepStrictEqual(disk.names(), [])
    })
  )

  it.effect("respects Retry-After, in seconds or as a date, by the receiver's clock", () =>
    Effect.gen(function* () {
      const day = 86_400_000
      for (const [status, retryAfter, most] of [
        [429, "90", 120],
        [503, "90", 120],
        [429, new Date(day + 90_000).toUTCString(), 120],
        // More than an hour is not waited for.
        [503, "86400", 3700]
      ] as const) {
        const { disk, receiver } = world(({ number }) =>
          number > 1 ? 204 : { status, headers: { "retry-after": retryAfter, date: new Date(day).toUTCString() } }
        )
        yield* inTime(
          run({ disk, receiver }, (writer) => writer.write(batch(["a"]))),
          "1 second",
          5000
        )
        const [first, second] = receiver.messages.map(({ at }) => at)
        const waited = ((second ?? 0) - (first ?? 0)) / 1000
        assert.isAtLeast(waited, 90)
        assert.isAtMost(waited, most)
      }
    })
  )

  it.effect("a 429 holds back all requests, not only its own", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world(({ number }) =>
        number === 1 ? { status: 429, headers: { "retry-after": "60" } } : 204
      )
      yield* inTime(
        run({ disk, receiver }, (writer) => writer.write(batch(ids(40))), { batchSize: 1, concurrency: 2 }),
        "1 second"
      )
      assert.lengthOf(receiver.taken, 40)
      const early = receiver.messages.filter(({ at }) => at - (receiver.messages[0]?.at ?? 0) < 60_000)
      // The refused one, and what was under way before its answer was there.
      assert.isAtMost(early.length, 3)
    })
  )

  describe("stops, and says what to do, at", () => {
    const cases: ReadonlyArray<readonly [Receiver.Reply, RegExp]> = [
      [400, /answered 400/],
      [401, /answered 401/],
      [403, /answered 403/],
      [404, /answered 404/],
      [405, /answered 405.*POST/s],
      [410, /answered 410, gone/],
      [415, /answered 415/],
      [301, /redirect \(301\)/],
      [{ status: 307, headers: { location: "https://evil.example.com/" } }, /redirect \(307\)/],
      [{ code: "CERT_HAS_EXPIRED" }, /certificate.*CERT_HAS_EXPIRED/s],
      [{ code: "ERR_TLS_CERT_ALTNAME_INVALID" }, /certificate/],
      [{ code: "ERR_WEBHOOK_HOST" }, /address that may not be sent to/]
    ]
    it.effect.each(cases)("%j", ([reply, words]) =>
      Effect.gen(function* () {
        const { disk, receiver } = world(() => reply)
        const error = yield* Effect.flip(
          run({ disk, receiver }, (writer) => writer.write(batch(ids(10))), { batchSize: 5, concurrency: 1 })
        )
        assert.instanceOf(error, SinkError)
        assert.isFalse(error.retryable)
        assert.strictEqual(error.operation, "write")
        assert.match(error.message, words)
        assert.notInclude(error.message, "evil")
        assert.notInclude(error.message, "secret words")
        assert.lengthOf(receiver.messages, 1)
        // It is sent first when that is mended.
        assert.lengthOf(disk.names(), 1)
      })
    )
  })

  it.effect.each([413, 422] as const)("%i finds the rows that are meant, and delivers the others", (status) =>
    Effect.gen(function* () {
      const bad = new Set(["s3", "s4", "s17", "s99"])
      const { disk, receiver } = world(({ events }) =>
        events.some(({ sessionId }) => bad.has(sessionId)) ? status : 204
      )
      const refused = yield* inTime(
        run({ disk, receiver }, (writer) => writer.write(batch(ids(100))), { batchSize: 25 })
      )
      assert.sameMembers(
        refused.map(({ id }) => id),
        [...bad]
      )
      for (const { reason } of refused) assert.include(reason, String(status))
      assert.sameMembers(
        receiver.events().map(({ sessionId }) => sessionId),
        ids(100).filter((id) => !bad.has(id))
      )
      assert.deepStrictEqual(disk.names(), [])
      assert.isAtMost(disk.most(), 4 * (1 + Math.ceil(Math.log2(25)) + 1))
    })
  )

  it.effect("sends exact numbers and whole texts, also of a message that was kept and is halved", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world(() => 400)
      const row = (id: string) =>
        ExactNumber.parseJson(`{"id":"${id}","big":4876876000000420001,"huge":1e400,"text":"\\ud83d \u2028"}`)
      const json = (id: string) => `{"id":"${id}","big":4876876000000420001,"huge":1e+400,"text":"\ufffd \\u2028"}`
      const given = batch(["a", "b"].map((id) => item(id, row(id))))
      assert.isTrue(Result.isFailure(yield* Effect.result(run({ disk, receiver }, (writer) => writer.write(given)))))
      for (const id of ["a", "b"]) assert.include(receiver.messages[0]?.body ?? "", `"data":${json(id)}`)

      receiver.answer(({ events }) => (events.length > 1 ? 413 : 204))
      yield* run({ disk, receiver }, (writer) => writer.flush(Position.of(1)))
      assert.deepStrictEqual(
        receiver.taken.map(({ body }) => /"data":(\{"id".*\})\}\]/.exec(body)?.[1]),
        [json("a"), json("b")]
      )
      // The same content is the same event, however its numbers are spelt, and other digits are another one.
      const idsOf = Effect.fnUntraced(function* (text: string) {
        const there = world()
        yield* run(there, (writer) => writer.write(batch([item("a", ExactNumber.parseJson(text))])))
        return there.receiver.events().map(({ id }) => id)
      })
      assert.deepStrictEqual(yield* idsOf('{"n":1e400}'), yield* idsOf('{"n":10e399}'))
      assert.notDeepEqual(yield* idsOf('{"n":4876876000000420001}'), yield* idsOf('{"n":4876876000000420000}'))
    })
  )

  it.effect("sends smaller requests after a 413", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world(({ body }) => (body.length > 5000 ? 413 : 204))
      yield* run(
        { disk, receiver },
        (writer) => Effect.forEach([0, 1, 2, 3], (n) => writer.write(batch(ids(100), observedAt + n))),
        { concurrency: 1 }
      )
      assert.lengthOf(receiver.events(), 400)
      const tooLarge = receiver.messages.filter(({ body }) => body.length > 5000)
      assert.isAtMost(Math.max(...tooLarge.map(({ number }) => number)), 5)
    })
  )

  it.effect("hands rows back that are no JSON, and sends the others", () =>
    Effect.gen(function* () {
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      const { disk, receiver } = world()
      const refused = yield* run({ disk, receiver }, (writer) =>
        writer.write(batch([item("big", { n: 1n }), "a", item("round", circular), { ...item("none"), row: undefined }]))
      )
      assert.deepStrictEqual(
        refused.map(({ id }) => id),
        ["big", "round", "none"]
      )
      assert.deepStrictEqual(
        receiver.events().map(({ sessionId }) => sessionId),
        ["a"]
      )
    })
  )

  it.effect("without a folder keeps unsent messages in memory, and sends them again after a failure", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world(({ number }) => (number === 2 ? 410 : 204))
      const refused = yield* run(
        { disk, receiver },
        (writer) =>
          Effect.gen(function* () {
            const failed = yield* Effect.flip(writer.write(batch(["a", "b"])))
            assert.strictEqual(failed.operation, "write")
            return yield* writer.write(batch(["a", "b"]))
          }),
        { spool: undefined, batchSize: 1, concurrency: 1 }
      )
      assert.deepStrictEqual(refused, [])
      const [, second, third] = receiver.messages
      assert.strictEqual(third?.body, second?.body)
      assert.deepStrictEqual(
        receiver.events().map(({ sessionId }) => sessionId),
        ["a", "b", "a", "b"]
      )
      assert.deepStrictEqual(disk.names(), [])
    })
  )

  it.effect("commits the given cursor, and an empty batch sends nothing", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      const committed = yield* run({ disk, receiver }, (writer) =>
        Effect.andThen(writer.write(batch([])), writer.flush(Position.of(observedAt)))
      )
      assert.deepStrictEqual(committed, { at: Position.of(observedAt), note: null })
      assert.isEmpty(receiver.messages)
    })
  )

  it.effect("sends a name and password of the URL as the header they stand for", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      yield* run({ disk, receiver }, (writer) => writer.write(batch(["a"])), {
        url: Redacted.make("https://user:p%C3%A4ss@hooks.example.com/in?x=1#y")
      })
      assert.strictEqual(receiver.messages[0]?.url, "https://hooks.example.com/in?x=1")
      const header = receiver.messages[0]?.headers["authorization"]
      assert.strictEqual(header, `Basic ${Buffer.from("user:päss").toString("base64")}`)
    })
  )

  it.effect.each<readonly [Partial<WebhookSink.Options>, RegExp]>([
    [{ url: "hooks.example.com" }, /no URL/],
    [{ url: "ftp://hooks.example.com" }, /no https/],
    [{ url: "http://hooks.example.com" }, /plain http/],
    [{ secrets: Redacted.make(" ") }, /secret is empty/],
    [{ secrets: Redacted.make("whsec_") }, /has 0 bytes/],
    [{ secrets: Redacted.make("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3") }, /does not begin with whsec_/],
    [{ secrets: Redacted.make(`${secrets[0]} whsec_!!!`) }, /secret 2 of 2 is no base64/],
    [{ secrets: Redacted.make("whsec_c2hvcnQ=") }, /has 5 bytes/],
    [{ batchSize: 0 }, /batchSize/],
    [{ batchBytes: 1.5 }, /batchBytes/],
    [{ concurrency: -1 }, /concurrency/]
  ])("refuses %j before anything is opened", ([more, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(WebhookSink.check({ ...options, ...more }))
      const opening = WebhookSink.make({ ...options, ...more }).open(SessionSink.opening())
      const opened = yield* opening.pipe(
        Effect.scoped,
        Effect.flip,
        Effect.provide([Receiver.make(() => 204).layer, Disk.make().layer, PromptCrypto.layer])
      )
      assert.strictEqual(opened.message, error.message)
      assert.match(error.message, words)
      assert.isFalse(error.retryable)
      assert.notInclude(error.message, "c2hvcnQ")
      assert.notInclude(error.message, "MDEy")
    })
  )

  it("is named by its origin, with a hash for its path", () => {
    const name = (url: string) => WebhookSink.make({ ...options, url }).name
    const first = name("https://hooks.example.com:8443/token1")
    assert.match(first, /^webhook:https:\/\/hooks\.example\.com:8443#[0-9a-f]{8}$/)
    assert.strictEqual(name("https://hooks.example.com:8443/token1"), first)
    assert.notStrictEqual(name("https://hooks.example.com:8443/token2"), first)
  })
})
