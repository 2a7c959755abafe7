/** A whole run in memory: endpoint, client, history, transform, file, webhook, dead letters, checkpoint, and what each asks. */
import * as Client from "@callstream/core/client/AgniClient"
import * as FileCheckpoint from "@callstream/core/checkpoint/FileCheckpoint"
import { ProcessOwner } from "@callstream/core/checkpoint/ProcessOwner"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as DeadLetterFile from "@callstream/core/pipeline/DeadLetterFile"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { WebhookTransport } from "@callstream/core/sink/WebhookTransport"
import * as HistorySource from "@callstream/core/source/HistorySource"
import type * as History from "@callstream/core/history/History"
import { AgniSimulator } from "@callstream/core/testing"
import * as Transform from "@callstream/core/transform/Transform"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as MemoryFiles from "../checkpoint/MemoryFiles.ts"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import * as PromptCrypto from "../sink/webhook/PromptCrypto.ts"
import * as Receiver from "../sink/webhook/Receiver.ts"
import { secrets } from "../sink/webhook/run.ts"

export const path = "/d/calls.ndjson"
export const lettersPath = "/d/dead-letters.ndjson"
export const statePath = "/d/state/calls.json"
/** It stays when the state is deleted. */
export const epochPath = "/d/state/calls.epoch"

/** A call of the file system, a request to the endpoint or one to the webhook's receiver. */
interface Operation {
  /** From 1, over all of them. */
  readonly number: number
  readonly what: string
}

export interface Options {
  readonly simulator: AgniSimulator.Options
  readonly range?: History.OpenRange | undefined
  /** On these the transform throws. */
  readonly throws?: ((session: CallSession) => boolean) | undefined
  readonly history?: History.Options | undefined
  readonly webhook?: Partial<WebhookSink.Options> | undefined
  readonly onSinkFailure?: "stop" | "continue" | undefined
  readonly commitEvery?: Duration.Input | undefined
  readonly retry?: Client.Options["retry"]
}

export const make = Effect.fnUntraced(function* (options: Options) {
  const simulator = yield* AgniSimulator.make({ wire: "seen", content: "minimal", ...options.simulator })
  const files = MemoryFiles.make()
  const receiver = Receiver.make()
  const operations: Array<Operation> = []
  let fails: (operation: Operation) => boolean = () => false
  let processes = 0

  /** The system's code, when the operation is to fail. */
  const next = (what: string): string | undefined => {
    const operation = { number: operations.length + 1, what }
    operations.push(operation)
    return fails(operation) ? (operation.number % 2 === 0 ? "EIO" : "ENOSPC") : undefined
  }
  files.intercept(({ method, path }): Effect.Effect<void, PlatformError.PlatformError> => {
    const code = next(`${method} ${path}`)
    return code === undefined ? Effect.void : Effect.fail(MemoryFileSystem.failed(method, path, code))
  })
  /** A connection that breaks, every other time only when the other side has done what it was asked for. */
  const breaking = (client: HttpClient.HttpClient, whose: string) =>
    HttpClient.transform(client, (answer, request) =>
      Effect.suspend(() => {
        if (next(`${whose} ${request.url}`) === undefined) return answer
        const broken = Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              cause: Object.assign(new Error("ECONNRESET"), { code: "ECONNRESET" })
            })
          })
        )
        return operations.length % 2 === 0 ? broken : Effect.andThen(answer, broken)
      })
    )

  /** One run, in a process of its own. */
  const run = Effect.gen(function* () {
    const pid = ++processes
    const hook = WebhookSink.make({
      url: "https://hooks.example.com/in",
      secrets: Redacted.make(secrets[0]),
      organization: "acme",
      spool: "/d/state/spool",
      batchSize: 5,
      giveUpAfter: "20 seconds",
      ...options.webhook
    })
    const pipeline = Pipeline.make({
      name: "calls",
      fingerprint: { range: "all" },
      source: HistorySource.make(options.range, options.history),
      transform: Transform.make<CallSession, CallSession>({
        label: "picky",
        columns: (columns) => columns,
        apply: (session) => {
          if (options.throws?.(session) === true) throw new TypeError("no")
          return session
        }
      }),
      sinks: [NdjsonSink.make({ path }), hook],
      deadLetters: DeadLetterFile.make(lettersPath),
      commitEvery: options.commitEvery,
      onSinkFailure: options.onSinkFailure,
      maxDeadShare: 1
    })
    const checkpoint = FileCheckpoint.layer({ folder: "/d/state" }).pipe(
      Layer.provide(
        Layer.succeed(ProcessOwner, {
          self: { host: "here", pid },
          judge: (owner) => Effect.succeed(owner.pid === pid ? "alive" : "gone")
        })
      )
    )
    const client = yield* Client.AgniClient.make({
      apiKey: Redacted.make(simulator.apiKey),
      retry: options.retry
    }).pipe(Effect.provideService(HttpClient.HttpClient, breaking(simulator.httpClient, "GET")))
    return yield* pipeline.run().pipe(Effect.provideService(Client.AgniClient, client), Effect.provide(checkpoint))
  }).pipe(
    Effect.provide(files.layer),
    Effect.provideService(WebhookTransport, {
      connect: () => Effect.succeed(breaking(receiver.client, "POST"))
    }),
    Effect.provide(PromptCrypto.layer),
    Random.withSeed(1)
  )

  return {
    simulator,
    files,
    receiver,
    operations,
    /** From now on, counted from 1 again. */
    intercept: (f: typeof fails) => {
      operations.length = 0
      fails = f
    },
    run,
    /** The ids in the finished file. */
    fileIds: () => idsIn(files.text(path)),
    /** Ids and stages of dead letters; half a line is none. */
    letters: () =>
      (files.text(lettersPath) ?? "").split("\n").flatMap((line): ReadonlyArray<string> => {
        try {
          const { record, row, stage } = JSON.parse(line) as {
            readonly record?: { readonly id: string }
            readonly row?: { readonly id: string }
            readonly stage: string
          }
          return [`${(record ?? row)?.id} ${stage}`]
        } catch {
          return []
        }
      })
  }
})

export type Whole = Effect.Success<ReturnType<typeof make>>

const idsIn = (text: string | undefined): ReadonlyArray<string> | undefined =>
  text
    ?.split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { readonly id: string }).id)
