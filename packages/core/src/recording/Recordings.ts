/**
 * The audio of calls, kept in a folder before the links to it expire.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as HttpClient from "effect/http/HttpClient"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { AgniClient } from "../client/AgniClient.ts"
import { Budget } from "../client/Budget.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import * as TrustedFile from "../platform/TrustedFile.ts"
import { fromPlatform, type OutputError } from "../sink/file/OutputError.ts"
import { OutputLock } from "../sink/file/OutputLock.ts"
import { type WebhookHostError, WebhookTransport } from "../sink/webhook/WebhookTransport.ts"
import { tap } from "../transform/internal/Tap.ts"
import type { Transform } from "../transform/TransformContract.ts"
import * as Fetch from "./internal/Fetch.ts"
import * as Index from "./internal/Index.ts"
import * as Retry from "./internal/Retry.ts"
import { isTemporary } from "./internal/Saving.ts"
import { Failure } from "./RecordingFailure.ts"
import type { ContentHash } from "./ContentHash.ts"

/**
 * Where recordings are kept, and how they are fetched.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Made when it is missing. */
  readonly folder: string
  /** The URL of the API. Recordings of its own origin get the key, and may be at a private address. */
  readonly baseUrl: string
  /** As of `AgniClient`: an effect is run for each request, so that a key can be replaced while the folder is open. */
  readonly apiKey: Redacted.Redacted | Effect.Effect<Redacted.Redacted>
  /** What digests: `NodeContentHash.make` of `@callstream/node`. */
  readonly contentHash: ContentHash
  /** Recordings a second at most, retries included. @default 10 */
  readonly perSecond?: number | undefined
  /** A larger one is not kept, in bytes. @default 100,000,000 */
  readonly maxBytes?: number | undefined
  /** Recordings at the same time. @default 4 */
  readonly concurrency?: number | undefined
  /** Allows links to this machine and to private networks, with http too. @default false */
  readonly allowPrivateHosts?: boolean | undefined
  /** Limit of one try, with its body. @default "5 minutes" */
  readonly timeout?: Duration.Input | undefined
}

/**
 * What the folder has, of all runs, and what this one did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  /** Calls with a link. */
  readonly of: number
  /** Of those, calls whose recording is in the folder. */
  readonly kept: number
  /** The others, by the reason of the latest try. */
  readonly failed: Readonly<Record<Failure, number>>
  /** Recordings that were fetched now, and their bytes. */
  readonly fetched: number
  readonly bytes: number
  /** Tries of now that failed. */
  readonly missed: number
}

/**
 * A folder of recordings that is open.
 *
 * @since 0.1.0
 * @category models
 */
export interface Recordings {
  /** Fetches the recordings of these calls that are not there yet. All that could be had is safe on disk when it returns. */
  readonly keep: (sessions: ReadonlyArray<CallSession>) => Effect.Effect<void, OutputError>
  /**
   * The transform, which keeps the recordings of the calls that pass before a sink gets them: so a run that is killed and
   * resumed has those of all committed calls. Rows and label are as they were.
   */
  readonly before: <B, E, R>(
    transform: Transform<CallSession, B, E, R>
  ) => Transform<CallSession, B, E | OutputError, R>
  /**
   * Retries those that may be there later: nothing was behind the link, or the server did not answer. It reads each call
   * again, for the link as the API has it now. A call waits longer after each try, and has eight.
   */
  readonly retry: (options: RetryOptions) => Effect.Effect<void, OutputError | AgniError, AgniClient>
  readonly counts: () => Counts
}

/**
 * Which recordings are retried.
 *
 * @since 0.1.0
 * @category options
 */
export interface RetryOptions {
  /** Those that failed before this. */
  readonly before: Instant.Instant
  /** Requests to the API after which no other call is read. @default 100 */
  readonly maxRequests?: number | undefined
}

/** Clients that are kept open: recordings are on few hosts. */
const mostClients = 16

type Services = FileSystem.FileSystem | Path.Path

/**
 * Opens a folder of recordings. Each is fetched once, and is a file under the SHA-256 of its content. `index.ndjson` has a
 * line for each: call, path of the link, file, size, type and time. A recording that cannot be had is counted, and has a
 * line too; the disk's errors fail.
 *
 * The key is sent to the API's own origin only, also behind redirects. Links and redirects to private addresses are
 * refused. Of several runs at a time one can have the folder.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Recordings, OutputError | AgniError, Services | WebhookTransport | Scope.Scope> {
  const { apiKey, baseUrl, concurrency = 4, contentHash, folder, maxBytes = 100_000_000, perSecond = 10 } = options
  const index = yield* openFolder(folder)
  const services = yield* Effect.context<Services>()
  const budget = yield* Budget.make({ maxConcurrentRequests: concurrency, requestsPerSecond: perSecond })
  const { origin } = new URL(baseUrl)
  const fetching: Fetch.Options = {
    folder,
    contentHash,
    maxBytes,
    origin,
    apiKey: Redacted.isRedacted(apiKey) ? Effect.succeed(apiKey) : apiKey,
    budget,
    timeout: Duration.fromInputUnsafe(options.timeout ?? "5 minutes"),
    clientFor: yield* clients({ origin, concurrency, allowPrivateHosts: options.allowPrivateHosts === true })
  }
  const counts = { fetched: 0, bytes: 0, missed: 0 }
  const keep = keepOf({ fetching, index, counts, baseUrl, concurrency, services })
  return {
    keep,
    before: (transform) => tap(transform, keep),
    retry: (options) => Retry.run({ index, keep, ...options }),
    counts: () => ({ ...inFolder(index), ...counts })
  }
})

const inFolder = ({ kept, lacking }: Index.Index): Pick<Counts, "of" | "kept" | "failed"> => {
  const failures = noFailures()
  for (const { failed } of lacking.values()) failures[failed]++
  return { of: kept() + lacking.size, kept: kept(), failed: failures }
}

const noFailures = (): Record<Failure, number> => ({
  expired: 0,
  missing: 0,
  notAudio: 0,
  tooLarge: 0,
  forbiddenHost: 0,
  unavailable: 0
})

/** The index of the folder, which is this run's own from now on. */
const openFolder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const opening = Effect.mapError(fromPlatform(folder, "open"))
  yield* opening(fs.makeDirectory(folder, { recursive: true, mode: 0o700 }))
  yield* opening(TrustedFile.checkFolder(folder))
  const path = paths.join(folder, "index.ndjson")
  yield* (yield* OutputLock).acquire(path)
  for (const name of yield* opening(fs.readDirectory(folder))) {
    if (isTemporary(name)) yield* opening(fs.remove(paths.join(folder, name), { force: true }))
  }
  return yield* Index.open(path)
})

/** Clients by origin, each connecting to checked addresses only. */
const clients = Effect.fnUntraced(function* (about: {
  readonly origin: string
  readonly concurrency: number
  readonly allowPrivateHosts: boolean
}) {
  const { connect } = yield* WebhookTransport
  const scope = yield* Scope.Scope
  const known = new Map<string, HttpClient.HttpClient>()
  return (url: URL): Effect.Effect<HttpClient.HttpClient, WebhookHostError, Scope.Scope> => {
    const found = known.get(url.origin)
    if (found !== undefined) return Effect.succeed(found)
    const made = connect({
      url,
      allowPrivateHosts: about.allowPrivateHosts || url.origin === about.origin,
      connections: about.concurrency
    })
    if (known.size >= mostClients) return made
    return Effect.tap(Scope.provide(made, scope), (client) =>
      Effect.sync(() => {
        known.set(url.origin, client)
      })
    )
  }
})

interface Keeping {
  readonly fetching: Fetch.Options
  readonly index: Index.Index
  readonly counts: { fetched: number; bytes: number; missed: number }
  readonly baseUrl: string
  readonly concurrency: number
  readonly services: Context.Context<Services>
}

const keepOf = ({ baseUrl, concurrency, counts, fetching, index, services }: Keeping): Recordings["keep"] => {
  const asked = { number: 0 }
  const one = Effect.fnUntraced(function* ({ id, recordingUrl: link }: CallSession) {
    if (typeof link !== "string" || link === "") return false
    const url = URL.canParse(link, baseUrl) ? new URL(link, baseUrl) : undefined
    const path = url?.pathname ?? ""
    if (index.has(id, path)) return false
    const outcome: Fetch.Outcome =
      url === undefined || !Fetch.isLink(url)
        ? { _tag: "Failed", why: "missing" }
        : yield* Effect.provideContext(Fetch.fetch(fetching, url, ++asked.number), services)
    const at = Instant.format(yield* Instant.now)
    if (outcome._tag === "Failed") {
      counts.missed++
      const tries = (index.lacking.get(id)?.tries ?? 0) + 1
      yield* index.add({ session: id, path, at, failed: outcome.why, tries })
      return true
    }
    const { file, sha256, size, type } = outcome
    yield* index.add({ session: id, path, at, file, sha256, size, type })
    counts.fetched++
    counts.bytes += size
    return true
  })
  return (sessions) =>
    // A signal to stop does not wait for hours: what is not fetched yet is fetched by the next run.
    Effect.forEach(sessions, one, { concurrency }).pipe(
      Effect.flatMap((added) => (added.includes(true) ? index.sync : Effect.void)),
      Effect.interruptible
    )
}
