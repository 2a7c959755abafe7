/**
 * Sessions as signed webhooks.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Repairs } from "../model/internal/Json.ts"
import * as Repaired from "./internal/Repaired.ts"
import * as Delivery from "./internal/webhook/Delivery.ts"
import * as Exchange from "./internal/webhook/Exchange.ts"
import * as Message from "./internal/webhook/Message.ts"
import * as Sha256 from "./internal/webhook/Sha256.ts"
import * as Signer from "./internal/webhook/Signer.ts"
import * as Spool from "./internal/webhook/Spool.ts"
import * as OwnKey from "./internal/OwnKey.ts"
import type { Batch, Opening, Refused, SessionSink, Writer } from "./SessionSink.ts"
import { SinkError } from "./SinkError.ts"
import { WebhookTransport } from "./WebhookTransport.ts"

/**
 * Whether the receiver takes messages: `Waiting` when it has failed several times in a row, once for each outage, and
 * `Back` when it answers again.
 *
 * @since 0.1.0
 * @category models
 */
export type Status = Delivery.Status

/**
 * Where webhooks go, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** https, or http to a private address when those are allowed. Its path and query are treated as a secret. */
  readonly url: string | Redacted.Redacted
  /** `whsec_…`, or several separated by spaces while they are being changed: each signs every message. */
  readonly secrets: Redacted.Redacted
  /** Whose calls these are: a part of each event, and of what its id is made of. */
  readonly organization: string
  /**
   * A folder for messages on their way: `concurrency` at a time, and twice their bytes at most. They hold calls' data. What
   * a run that was killed left there is sent first by the next one, byte for byte. Each pipeline, and each fingerprint of
   * it, has a folder of its own in it, which is removed when nothing waits there.
   *
   * @default in memory, for a run that begins anew when it was killed
   */
  readonly spool?: string | undefined
  /** Events in one request at most; with 1 a request is the event itself. @default 100 */
  readonly batchSize?: number | undefined
  /** Bytes of a request's body at most; an event that is larger goes by itself. @default 524288 */
  readonly batchBytes?: number | undefined
  /** Requests under way at once. @default 4 */
  readonly concurrency?: number | undefined
  /** For one answer. @default "30 seconds" */
  readonly timeout?: Duration.Input | undefined
  /** How long a message is tried before the run fails with a retryable error. @default "3 days" */
  readonly giveUpAfter?: Duration.Input | undefined
  /** Loopback, private and link-local addresses may be sent to, and http is allowed there. @default false */
  readonly allowPrivateHosts?: boolean | undefined
  /** @default a warning in the log when it waits, a line when it is back */
  readonly onStatus?: ((status: Status) => Effect.Effect<void>) | undefined
}

/**
 * A sink that posts events about sessions to a receiver, signed by the Standard Webhooks specification: at least once,
 * in the order of each session. `write` returns when the receiver has answered for every row; one that it will never take
 * (413 or 422, alone in a message) comes back as refused. While the receiver is down, `write` waits, and with it the run.
 *
 * Fails when an option is wrong, before anything is opened or sent.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SessionSink<unknown, WebhookTransport | FileSystem.FileSystem | Path.Path>, SinkError> {
  const url = yield* checkUrl(options)
  const name = `webhook:${Redacted.value(url).origin}#${(yield* digest(Redacted.value(url).href)).slice(0, 8)}`
  const wrong = (description: string) =>
    Effect.fail(new SinkError({ sink: name, operation: "open", retryable: false, description }))
  const secrets = Signer.check(options.secrets)
  if (Result.isFailure(secrets)) return yield* wrong(secrets.failure)
  const size = options.batchSize ?? 100
  const bytes = options.batchBytes ?? 512 * 1024
  const concurrency = options.concurrency ?? 4
  for (const [what, value] of Object.entries({ batchSize: size, batchBytes: bytes, concurrency })) {
    if (!Number.isSafeInteger(value) || value < 1) return yield* wrong(`${what} is no positive whole number`)
  }
  const spool = yield* digest(`${options.organization}\n${Redacted.value(url).href}`)

  const open: SessionSink<unknown, WebhookTransport | FileSystem.FileSystem | Path.Path>["open"] = Effect.fnUntraced(
    function* (opening) {
      const transport = yield* WebhookTransport
      const paths = yield* Path.Path
      const store = yield* Layer.build(CircuitBreaker.layerStoreMemory())
      const client = yield* transport
        .connect({
          url: Redacted.value(url),
          allowPrivateHosts: options.allowPrivateHosts ?? false,
          connections: concurrency
        })
        .pipe(
          Effect.mapError(
            ({ message, reason, retryable }) =>
              new SinkError({
                sink: name,
                operation: "open",
                retryable,
                description: `the receiver cannot be sent to: ${message}`,
                ...(reason === "private" ? { reason: "privateHost" } : {})
              })
          )
        )
      const exchange = Exchange.make(client, {
        url,
        sign: yield* Signer.make(secrets.success),
        timeout: Duration.fromInputUnsafe(options.timeout ?? "30 seconds")
      })
      const send = yield* Delivery.make(exchange, {
        sink: name,
        giveUpAfter: Duration.fromInputUnsafe(options.giveUpAfter ?? "3 days"),
        lasting: options.spool !== undefined,
        onStatus: options.onStatus ?? log(name)
      }).pipe(Effect.provide(store))
      // Another receiver or organization never gets what was meant for this one.
      const kept =
        options.spool === undefined
          ? Spool.inMemory()
          : yield* Effect.flatMap(folderOf(options.spool, opening), (folder) =>
              Spool.open(paths.join(folder, `webhook-${spool.slice(0, 16)}`), name)
            )
      const repairs: Repairs = { texts: 0 }
      const { organization } = options
      const writer = makeWriter({ send, spool: kept, size, bytes, concurrency, organization, repairs })
      yield* during("open", writer.recover)
      const opened: Writer<unknown> = {
        committed: opening.from,
        write: writer.write,
        flush: (at) => Effect.as(during("flush", Effect.andThen(writer.recover, kept.sync)), { at, note: null }),
        finish: Repaired.reporting(name, repairs, Effect.void)
      }
      return opened
    }
  )
  return { name, delivery: "idempotent", open }
})

/** Messages of another pipeline, or of other flags of this one, which may leave more out, are never sent. */
const folderOf = Effect.fnUntraced(function* (spool: string, opening: Opening) {
  const key = yield* OwnKey.of(opening)
  if (key === undefined) return spool
  const paths = yield* Path.Path
  const folder = paths.join(spool, `spool-${encodeURIComponent(opening.pipeline)}-${key}`)
  // Before another run can have the lease, and the folder.
  yield* Effect.addFinalizer(() => removeEmpty(folder))
  return folder
})

const removeEmpty = (folder: string): Effect.Effect<void, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const removeUnlessFull = Effect.fnUntraced(function* (path: string) {
      if ((yield* fs.readDirectory(path)).length === 0) yield* fs.remove(path, { recursive: true })
    })
    for (const name of yield* fs.readDirectory(folder)) {
      if (name.startsWith("webhook-")) yield* removeUnlessFull(paths.join(folder, name))
    }
    yield* removeUnlessFull(folder)
  }).pipe(Effect.ignore)

const makeWriter = (options: {
  readonly send: (message: Message.Message) => Effect.Effect<Delivery.Answer, SinkError>
  readonly spool: Spool.Spool
  readonly size: number
  readonly bytes: number
  readonly concurrency: number
  readonly organization: string
  readonly repairs: Repairs
}) => {
  const { send, spool } = options
  /** A receiver that found a message too large finds the next one too large, too. */
  let taken = Number.POSITIVE_INFINITY

  /** Of a message that is in the spool. */
  const deliver = Effect.fnUntraced(function* (
    message: Message.Message
  ): Effect.fn.Return<ReadonlyArray<Refused>, SinkError> {
    const several = message.events.length > 1
    const answer = several && message.body.length > taken ? tooLarge : yield* send(message)
    if (answer._tag === "Refused" && several) {
      if (answer.status === 413) taken = Math.min(taken, Math.floor(message.body.length / 2))
      const halves = yield* Message.halves(message)
      yield* Effect.forEach(halves, spool.put, { discard: true })
      yield* spool.remove(message)
      return (yield* Effect.forEach(halves, deliver)).flat()
    }
    yield* spool.remove(message)
    return answer._tag === "Accepted" ? [] : message.events.map(({ session }) => refused(session, answer.status))
  })

  /**
   * What a run that was killed, or a write that failed, left on its way: it goes out first, as it was. What is refused of
   * it comes again with its batch, which is not committed yet.
   */
  const recover = Effect.flatMap(spool.left, Effect.forEach(deliver, { discard: true }))

  const write = Effect.fnUntraced(function* (batch: Batch<unknown>) {
    yield* recover
    const { events, refused } = yield* Message.events(batch, options.organization, options.repairs)
    const all = [...refused]
    for (const round of Message.rounds(events)) {
      const sent = yield* Effect.forEach(
        Message.cut(round, { size: options.size, bytes: Math.min(options.bytes, taken) }),
        (piece) =>
          Effect.flatMap(Message.make(piece, options.size === 1), (message) =>
            Effect.andThen(spool.put(message), deliver(message))
          ),
        { concurrency: options.concurrency }
      )
      for (const some of sent) all.push(...some)
    }
    return all
  })

  return { recover, write }
}

/** What goes wrong while something is sent does so under the name of what it was sent for. */
const during = <A>(operation: SinkError["operation"], effect: Effect.Effect<A, SinkError>) =>
  Effect.mapError(
    effect,
    ({ advice, description, retryable, sink }) =>
      new SinkError({ sink, operation, retryable, description, ...(advice === undefined ? {} : { advice }) })
  )

const tooLarge: Delivery.Answer = { _tag: "Refused", status: 413 }

const refused = (id: string, status: 413 | 422): Refused => ({
  id,
  reason: status === 413 ? "the receiver finds it too large (413)" : "the receiver will not take it (422)"
})

const encoder = new TextEncoder()
const digest = (text: string) => Effect.map(Sha256.hexOf([encoder.encode(text)]), ([hex]) => hex ?? "")

const checkUrl = (options: Options): Effect.Effect<Redacted.Redacted<URL>, SinkError> => {
  const wrong = (description: string, reason?: "privateHost") =>
    Effect.fail(
      new SinkError({
        sink: "webhook",
        operation: "open",
        retryable: false,
        description,
        ...(reason === undefined ? {} : { reason })
      })
    )
  const text = Redacted.isRedacted(options.url) ? Redacted.value(options.url) : options.url
  if (!URL.canParse(text)) return wrong("the address is no URL")
  const url = new URL(text)
  if (url.protocol !== "https:" && url.protocol !== "http:") return wrong("the address is no https URL")
  if (url.protocol === "http:" && options.allowPrivateHosts !== true) {
    return wrong("the address is plain http, which is for private hosts only, and those are not allowed", "privateHost")
  }
  return Effect.succeed(Redacted.make(url, { label: "webhook" }))
}

const log =
  (name: string) =>
  (status: Status): Effect.Effect<void> =>
    status._tag === "Waiting"
      ? Effect.logWarning(
          `${name}: the receiver ${status.because}: the run waits and tries again for up to ${Duration.format(status.giveUpAfter)}`
        )
      : Effect.logInfo(`${name}: the receiver is back after ${Duration.format(status.after)}`)
