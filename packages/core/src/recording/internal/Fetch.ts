/** One recording: where its link leads, and what is there. Every way in which that can end is an outcome. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Budget } from "../../client/Budget.ts"
import { withTransportRules } from "../../client/TransportRules.ts"
import * as RetryAfter from "../../platform/internal/RetryAfter.ts"
import { codeOf } from "../../platform/internal/System.ts"
import { OutputError } from "../../sink/file/OutputError.ts"
import type { WebhookHostError } from "../../sink/webhook/WebhookTransport.ts"
import type { Failure } from "../RecordingFailure.ts"
import * as Saving from "./Saving.ts"

export interface Options extends Saving.Options {
  readonly origin: string
  readonly apiKey: Effect.Effect<Redacted.Redacted>
  readonly budget: Budget["Service"]
  readonly timeout: Duration.Duration
  readonly clientFor: (url: URL) => Effect.Effect<HttpClient.HttpClient, WebhookHostError, Scope.Scope>
}

interface Kept extends Saving.Saved {
  readonly type: string
}

export type Outcome = Kept | Extract<Saving.Outcome, { readonly _tag: "Failed" }>

/** What a try can end with besides: another try may help. */
interface Again {
  readonly _tag: "Again"
  readonly after: Duration.Duration | undefined
}

const again: Again = { _tag: "Again", after: undefined }

const tries = 4
const redirects = 5
const base = 500
const cap = 30_000
const longestAsked = Duration.seconds(60)
/** A server that is silent for so long sends nothing more: it may hold its connection open for ever. */
const longestSilence = Duration.seconds(30)
const maxAnswerBytes = 64 * 1024

const failed = (why: Failure): Outcome => ({ _tag: "Failed", why })

const typeOf = ({ headers }: HttpClientResponse.HttpClientResponse): string =>
  (headers["content-type"] ?? "").replace(/;.*$/s, "").trim().toLowerCase()

/** A body that is not read pins its connection. */
const small = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> =>
  response.stream.pipe(
    Stream.mapError(() => "cut off"),
    Stream.limitBytes(maxAnswerBytes, () => Stream.fail("too large")),
    Stream.decodeText(),
    Stream.mkString,
    Effect.timeout("10 seconds"),
    Effect.orElseSucceed(() => "")
  )

const urlIn = (text: string, from: URL): URL | undefined =>
  URL.canParse(text, from.href) ? new URL(text, from.href) : undefined

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Some servers answer with a link as JSON: `{ "url": "https://…" }`, or the same in `data`. */
const linkIn = (text: string, from: URL): URL | undefined => {
  try {
    const answer: unknown = JSON.parse(text)
    const inner = isObject(answer) && isObject(answer["data"]) ? answer["data"] : answer
    if (!isObject(inner)) return undefined
    const [, link] =
      Object.entries(inner).find(([name, value]) => /url$/i.test(name) && typeof value === "string") ?? []
    return typeof link === "string" && /^https?:/i.test(link) ? urlIn(link, from) : undefined
  } catch {
    return undefined
  }
}

const expired = new Set([400, 401, 403, 410])

/** What an answer without a recording means. */
const refused = (response: HttpClientResponse.HttpClientResponse, now: number): Outcome | Again | undefined => {
  const { headers, status } = response
  if (status >= 200 && status < 300) return undefined
  if (expired.has(status)) return failed("expired")
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { _tag: "Again", after: RetryAfter.read(headers, now) }
  }
  return failed("missing")
}

const unreachable = (error: unknown): Outcome | Again =>
  codeOf(error) === "ERR_WEBHOOK_HOST" ? failed("forbiddenHost") : again

const ofHost = ({ reason, retryable }: WebhookHostError): Outcome | Again =>
  retryable && reason === "lookup" ? again : failed(reason === "unknown" ? "missing" : "forbiddenHost")

type Services = FileSystem.FileSystem | Path.Path

/** Follows the link to what is behind it. The key goes to the API's own origin only, at each step. */
const follow = Effect.fnUntraced(function* (
  options: Options,
  link: URL,
  number: number
): Effect.fn.Return<Outcome | Again, OutputError, Services | Scope.Scope> {
  const { apiKey, clientFor, origin } = options
  let url = link
  for (let hop = 0; hop <= redirects; hop++) {
    const client = yield* Effect.result(clientFor(url))
    if (client._tag === "Failure") return ofHost(client.failure)
    const request = HttpClientRequest.get(url, {
      headers: {
        accept: "audio/*, */*;q=0.5",
        "user-agent": "callstream",
        ...(url.origin === origin ? { "x-api-key": Redacted.value(yield* apiKey).trim() } : {})
      }
    })
    const answer = yield* Effect.result(
      withTransportRules(client.success.execute(request)).pipe(Effect.timeoutOption(longestSilence))
    )
    if (answer._tag === "Failure") return unreachable(answer.failure)
    if (Option.isNone(answer.success)) return again
    const response = answer.success.value
    const { headers, status } = response
    const isRedirect = status >= 300 && status < 400
    const type = typeOf(response)
    const isJson = status === 200 && type === "application/json"
    if (!isRedirect && !isJson && status >= 200 && status < 300) {
      const saved = yield* read(options, response, type, number)
      return saved._tag === "Saved" ? { ...saved, type } : saved
    }
    const text = yield* small(response)
    const next = isRedirect ? urlIn(headers["location"] ?? "", url) : isJson ? linkIn(text, url) : undefined
    if (next === undefined || (isRedirect && headers["location"] === undefined)) {
      return refused(response, yield* Clock.currentTimeMillis) ?? failed("notAudio")
    }
    if (!isLink(next)) return failed("forbiddenHost")
    url = next
  }
  return failed("missing")
})

/** A link that can be asked for. A name and password in it are nobody's to send. */
export const isLink = ({ password, protocol, username }: URL): boolean =>
  (protocol === "https:" || protocol === "http:") && username === "" && password === ""

const read = Effect.fnUntraced(function* (
  options: Options,
  response: HttpClientResponse.HttpClientResponse,
  type: string,
  number: number
): Effect.fn.Return<Saving.Outcome | Again, OutputError, Services> {
  if (Number(response.headers["content-length"] ?? 0) > options.maxBytes) return { _tag: "Failed", why: "tooLarge" }
  const saved = yield* Effect.result(
    Saving.save(
      options,
      number,
      type,
      response.stream.pipe(
        Stream.mapError(() => again),
        Stream.timeoutOrElse({ duration: longestSilence, orElse: () => Stream.fail(again) })
      )
    )
  )
  if (saved._tag === "Success") return saved.success
  return saved.failure instanceof OutputError ? yield* saved.failure : again
})

/** Full jitter, and never less than was asked for. */
const waitOf = (attempt: number, { after = Duration.zero }: Again): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (random) =>
    Duration.max(Duration.millis(random * Math.min(cap, base * 2 ** attempt)), Duration.min(after, longestAsked))
  )

/** @param number Of the recordings that are fetched at the same time, this one's own. */
export const fetch = Effect.fnUntraced(function* (
  options: Options,
  url: URL,
  number: number
): Effect.fn.Return<Outcome, OutputError, Services> {
  const { budget, timeout } = options
  for (let attempt = 0; attempt < tries; attempt++) {
    const outcome = yield* budget
      .spend(Effect.scoped(follow(options, url, number)))
      .pipe(Effect.timeoutOption(timeout), Effect.map(Option.getOrElse(() => again)))
    if (outcome._tag !== "Again") return outcome
    // A server that asks for a pause asks for it from all.
    if (outcome.after !== undefined) yield* budget.hold(Duration.min(outcome.after, longestAsked))
    if (attempt + 1 < tries) yield* Effect.flatMap(waitOf(attempt, outcome), Effect.sleep)
  }
  return failed("unavailable")
})
