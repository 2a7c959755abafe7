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
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import type { Repairs } from "../../model/internal/Json.ts"
import * as OwnKey from "../internal/OwnKey.ts"
import * as Repaired from "../internal/Repaired.ts"
import * as Delivery from "./internal/Delivery.ts"
import * as Attempt from "./internal/Attempt.ts"
import * as Headers from "./internal/Headers.ts"
import * as Message from "./internal/Message.ts"
import * as Sha256 from "./internal/Sha256.ts"
import * as Signer from "./internal/Signer.ts"
import * as Spool from "./internal/Outbox.ts"
import type { Batch, Refused } from "../SessionSink.ts"
import * as SessionSink from "../SessionSink.ts"
import * as SinkWords from "../internal/SinkWords.ts"
import * as SinkBytes from "../SinkBytes.ts"
import { SinkError } from "../SinkError.ts"
import type { Answer, SinkReason } from "../SinkReason.ts"
import type { Body } from "./WebhookEvent.ts"
import { WebhookTransport } from "./WebhookTransport.ts"

/**
 * Whether the receiver takes messages: `Waiting` when it has failed several times in a row, once for each outage, and
 * `Back` when it answers again.
 *
 * @since 0.1.0
 * @category models
 */
export type Status =
  | { readonly _tag: "Waiting"; readonly answer: Answer; readonly giveUpAfter: Duration.Duration }
  | { readonly _tag: "Back"; readonly after: Duration.Duration }

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
  readonly secrets?: Redacted.Redacted | undefined
  /** For receivers that cannot check a signature: without it, secrets are required. @default false */
  readonly unsigned?: boolean | undefined
  /** Further headers of each request, such as `authorization`. @default none */
  readonly headers?: Readonly<Record<string, Redacted.Redacted>> | undefined
  /**
   * The body in place of the event, as JSON, for receivers with a format of their own; `undefined` and `null` send nothing. Each
   * request then has one event, and messages are not kept in `spool`: a run that was killed makes them again. Throws for an
   * event that it cannot make a body of, which is then rejected. @default the event
   */
  readonly body?: Body | undefined
  /** The organization of the calls: a part of each event, and of its id. @default in a sync as the API shows it; else empty */
  readonly organization?: string | undefined
  /**
   * A folder for unsent messages: `concurrency` at a time, and twice their bytes at most. They hold data of calls. If a run
   * is killed, the next one first sends these messages again, byte for byte. Each pipeline, and each fingerprint of it, has
   * its own folder inside, which is removed when it is empty.
   *
   * @default in memory, for a run that starts from the beginning when it was killed
   */
  readonly spool?: string | undefined
  /** Events in one request at most; with 1 a request is the event itself. @default 100 */
  readonly batchSize?: number | undefined
  /** Bytes of a request's body at most; an event that is larger goes by itself. @default 524288 */
  readonly batchBytes?: number | undefined
  /** Requests at the same time. @default 4 */
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
 * in the order of each session. `write` returns when the receiver has answered for every row. A row that the receiver
 * refuses (413 or 422, alone in a message) is returned as rejected. While the receiver is down, `write` waits, and with it the run.
 *
 * A wrong option fails the opening, before anything is sent; `check` says it before.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): SessionSink.SessionSink<unknown, WebhookTransport | FileSystem.FileSystem | Path.Path> =>
  SessionSink.make({
    name: nameOf(options),
    delivery: "idempotent",
    keeps: "changes",
    shares: "each",
    open: (opening) => open(options, opening)
  })

/**
 * Fails when an option is wrong: opens and sends nothing.
 *
 * @since 0.1.0
 * @category combinators
 */
export const check = (options: Options): Effect.Effect<void, SinkError> => Effect.asVoid(settingsOf(options))

const settingsOf = Effect.fnUntraced(function* (options: Options) {
  const url = yield* checkUrl(options)
  const name = nameOf(options)
  const wrong = (reason: SinkReason) =>
    Effect.fail(new SinkError({ sink: name, operation: "open", retryable: false, reason }))
  const secrets = options.unsigned === true ? Result.succeed([]) : Signer.check(options.secrets ?? Redacted.make(""))
  if (Result.isFailure(secrets)) return yield* wrong({ _tag: "Secret", problem: secrets.failure })
  const headers = Headers.check(options.headers ?? {})
  if (Result.isFailure(headers)) return yield* wrong({ _tag: "Header", ...headers.failure })
  // A body of its own is of one event.
  const size = options.body === undefined ? (options.batchSize ?? 100) : 1
  const bytes = options.batchBytes ?? 512 * 1024
  const concurrency = options.concurrency ?? 4
  for (const [what, value] of Object.entries({ batchSize: size, batchBytes: bytes, concurrency })) {
    if (!Number.isSafeInteger(value) || value < 1) return yield* wrong({ _tag: "NotPositive", option: what })
  }
  return { url, name, secrets: secrets.success, headers: headers.success, size, bytes, concurrency }
})

const open = Effect.fnUntraced(function* (options: Options, opening: SessionSink.Opening) {
  const { bytes, concurrency, headers, name, secrets, size, url } = yield* settingsOf(options)
  const spool = yield* digest(`${options.organization ?? ""}\n${Redacted.value(url).href}`)
  const folder = options.body === undefined ? options.spool : undefined
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
        ({ detail, reason, retryable }) =>
          new SinkError({
            sink: name,
            operation: "open",
            retryable,
            reason: { _tag: "ReceiverHost", problem: reason, ...(detail === undefined ? {} : { detail }) }
          })
      )
    )
  const exchange = Attempt.make(client, {
    url,
    sign: options.unsigned === true ? undefined : yield* Signer.make(secrets),
    headers,
    timeout: Duration.fromInputUnsafe(options.timeout ?? "30 seconds")
  })
  const send = yield* Delivery.make(exchange, {
    sink: name,
    giveUpAfter: Duration.fromInputUnsafe(options.giveUpAfter ?? "3 days"),
    lasting: folder !== undefined,
    onStatus: options.onStatus ?? log(name)
  }).pipe(Effect.provide(store))
  // Another receiver or organization never gets what was meant for this one.
  const kept =
    folder === undefined
      ? Spool.inMemory()
      : yield* Effect.flatMap(folderOf(folder, opening), (folder) =>
          Spool.open(paths.join(folder, `webhook-${spool.slice(0, 16)}`), name)
        )
  const repairs: Repairs = { texts: 0 }
  const { body, organization } = options
  const writer = makeWriter({ send, spool: kept, size, bytes, concurrency, organization, repairs, body })
  yield* during("open", writer.recover)
  return {
    write: writer.write,
    remove: writer.write,
    flush: () => during("flush", Effect.andThen(writer.recover, kept.sync)),
    finish: Repaired.reporting(name, repairs, Effect.void)
  }
})

/** Messages of another pipeline, or of other flags of this one, which may leave more out, are never sent. */
const folderOf = Effect.fnUntraced(function* (spool: string, opening: SessionSink.Opening) {
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
  readonly organization: string | undefined
  readonly repairs: Repairs
  readonly body: Options["body"]
}) => {
  const { send, spool } = options
  /** A receiver that found a message too large finds the next one too large, too. */
  const taken = Ref.makeUnsafe(Infinity)

  /** Of a message that is in the spool. */
  const deliver = Effect.fnUntraced(function* (
    message: Message.Message
  ): Effect.fn.Return<ReadonlyArray<Refused>, SinkError> {
    const several = message.events.length > 1
    const isTooLarge = several && message.body.length > (yield* Ref.get(taken))
    const answer = isTooLarge ? tooLarge : yield* send(message)
    if (!isTooLarge) yield* SinkBytes.add(message.body.length)
    if (answer._tag === "Refused" && several) {
      if (answer.status === 413) {
        yield* Ref.update(taken, (most) => Math.min(most, Math.floor(message.body.length / 2)))
      }
      const halves = yield* Message.halves(message)
      yield* Effect.forEach(halves, spool.put, { discard: true })
      yield* spool.remove(message)
      return (yield* Effect.forEach(halves, deliver)).flat()
    }
    yield* spool.remove(message)
    return answer._tag === "Accepted" ? [] : message.events.map(({ session }) => refused(session, answer.status))
  })

  /**
   * Sends first, unchanged, the messages of a run that was killed or a write that failed. Rows that are rejected here come
   * again with their batch, which is not committed yet.
   */
  const recover = Effect.flatMap(spool.left, Effect.forEach(deliver, { discard: true }))

  const write = Effect.fnUntraced(function* (batch: Batch<unknown>) {
    yield* recover
    const organization = options.organization ?? batch.organization ?? ""
    const { events, refused } = yield* Message.events(batch, organization, options.repairs, options.body)
    const all = [...refused]
    for (const round of Message.rounds(events)) {
      const bytes = Math.min(options.bytes, yield* Ref.get(taken))
      const sent = yield* Effect.forEach(
        Message.cut(round, { size: options.size, bytes }),
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
  Effect.mapError(effect, ({ reason, retryable, sink }) => new SinkError({ sink, operation, retryable, reason }))

const tooLarge: Delivery.Answer = { _tag: "Refused", status: 413 }

const refused = (id: string, status: 413 | 422): Refused => ({
  id,
  reason: status === 413 ? "the receiver finds it too large (413)" : "the receiver will not take it (422)"
})

const encoder = new TextEncoder()
const digest = (text: string) => Effect.map(Sha256.hexOf([encoder.encode(text)]), ([hex]) => hex ?? "")

/** Its origin, and a hash that distinguishes paths without showing them. */
const nameOf = (options: Options): string => {
  const text = textOf(options)
  if (!URL.canParse(text)) return "webhook"
  const { href, origin } = new URL(text)
  return `webhook:${origin}#${fingerprint(href)}`
}

const textOf = ({ url }: Options): string => (Redacted.isRedacted(url) ? Redacted.value(url) : url)

/** FNV-1a: 32 bits distinguish the few receivers of a pipeline, and do not reveal the path. */
const fingerprint = (text: string): string => {
  let hash = 0x811c9dc5
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}

const checkUrl = (options: Options): Effect.Effect<Redacted.Redacted<URL>, SinkError> => {
  const wrong = (problem: "notAUrl" | "notHttps" | "plainHttp") =>
    Effect.fail(
      new SinkError({
        sink: "webhook",
        operation: "open",
        retryable: false,
        reason: { _tag: "ReceiverAddress", problem }
      })
    )
  const text = textOf(options)
  if (!URL.canParse(text)) return wrong("notAUrl")
  const url = new URL(text)
  if (url.protocol !== "https:" && url.protocol !== "http:") return wrong("notHttps")
  if (url.protocol === "http:" && options.allowPrivateHosts !== true) {
    return wrong("plainHttp")
  }
  return Effect.succeed(Redacted.make(url, { label: "webhook" }))
}

const log =
  (name: string) =>
  (status: Status): Effect.Effect<void> =>
    Effect.annotateLogs(
      status._tag === "Waiting"
        ? Effect.logWarning(
            `${name}: the receiver ${SinkWords.answered(status.answer)}: the run waits and tries again for up to ${Duration.format(status.giveUpAfter)}`
          )
        : Effect.logInfo(`${name}: the receiver is back after ${Duration.format(status.after)}`),
      {
        "callstream.sink.name": name,
        "callstream.receiver": status._tag === "Waiting" ? "away" : "back",
        ...(status._tag === "Waiting" && status.answer._tag === "Status"
          ? { "http.response.status_code": status.answer.status }
          : {})
      }
    )
