/** A folder of recordings in memory, and a server that is all hosts. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Recordings from "@callstream/core/recording/Recordings"
import type { ContentHash } from "@callstream/core/recording/ContentHash"
import { WebhookTransport } from "@callstream/core/sink/WebhookTransport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import type * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"

const contentHash: ContentHash = () => {
  const hash = createHash("sha256")
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") }
}

export const wav = (content: string): string => `RIFF\u0024\u0000\u0000\u0000WAVE${content}`
export const nameOf = (content: string): string => {
  const digest = createHash("sha256").update(wav(content)).digest("hex")
  return `${digest.slice(0, 2)}/${digest}.wav`
}

interface Seen {
  readonly url: string
  readonly key: string | undefined
}

export type Answer = (url: URL, number: number) => Response

/** A server that is all hosts, and what it was asked. */
const serving = (answer: Answer) => {
  const seen: Array<Seen> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      seen.push({ url: url.href, key: request.headers["x-api-key"] })
      return HttpClientResponse.fromWeb(request, answer(url, seen.length))
    })
  )
  return { seen, layer: Layer.succeed(WebhookTransport, { connect: () => Effect.succeed(client) }) }
}

export const audio = (content: string, type = "audio/wav") =>
  new Response(wav(content), { headers: { "content-type": type } })

export const call = (id: string, recordingUrl?: string | null): CallSession =>
  recordingUrl === undefined ? { id } : { id, recordingUrl }

const options = {
  folder: "/d/recordings",
  baseUrl: "https://api.test/base",
  apiKey: Redacted.make("canary-key"),
  contentHash
}

export const opened = <A, E, R = never>(
  memory: MemoryFileSystem.MemoryFileSystem,
  answer: Answer,
  use: (recordings: Recordings.Recordings, seen: ReadonlyArray<Seen>) => Effect.Effect<A, E, R>,
  more: Partial<Recordings.Options> = {}
) => {
  const { layer, seen } = serving(answer)
  return Effect.scoped(
    Effect.flatMap(Recordings.open({ ...options, ...more }), (recordings) => use(recordings, seen))
  ).pipe(Effect.provide([memory.layer, layer]))
}

/** Runs it while the clock moves. */
export const ticking = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let second = 0; second < 200; second++) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

export const linesOf = (memory: MemoryFileSystem.MemoryFileSystem): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  (memory.text("/d/recordings/index.ndjson") ?? "")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
