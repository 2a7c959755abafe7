/**
 * The same streams for code without Effect: promises and `for await`.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { AgniClient, type Options as ClientOptions } from "./client/AgniClient.ts"
import type { CallSession } from "./model/CallSession.ts"
import type { CallSessionQuery } from "./model/CallSessionQuery.ts"
import type { Page } from "./model/Page.ts"
import type { Rejected } from "./model/Rejected.ts"
import * as CallSessions from "./CallSessions.ts"

/**
 * The client's options, with the key as plain text.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Omit<ClientOptions, "apiKey" | "transformClient"> {
  readonly apiKey: string
  /** The transport. @default the platform's `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
}

/**
 * The selection, and a callback for records that could not be decoded.
 *
 * @since 0.1.0
 * @category options
 */
export interface Selection extends CallSessions.Selection {
  /** Called with a page's records that could not be decoded. @default a warning is logged with their number and reasons */
  readonly onRejected?: ((rejected: ReadonlyArray<Rejected>) => void) | undefined
}

/**
 * A page as plain data.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlainPage extends Omit<Page, "rows"> {
  readonly sessions: ReadonlyArray<CallSession>
}

const toPlain = ({ rows, ...rest }: Page): PlainPage => ({ ...rest, sessions: rows.sessions() })

/**
 * A client with its own runtime, which `dispose` releases. All its methods fail with an `AgniError`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Client extends AsyncDisposable {
  /** One page. */
  readonly list: (query?: CallSessionQuery) => Promise<PlainPage>
  /** The plain walk over pages: see `CallSessions.pages`. Leaving the loop stops the reading. */
  readonly pages: (query?: CallSessionQuery, options?: CallSessions.ReadOptions) => AsyncIterable<PlainPage>
  /** The selected calls one by one: see `CallSessions.sessions`. Leaving the loop stops the reading. */
  readonly sessions: (selection?: Selection) => AsyncIterable<CallSession>
  /** Ends all reading: what is still running, or begins later, fails with `ClientDisposed`. */
  readonly dispose: () => Promise<void>
}

/**
 * The client was disposed of before or during the reading, so a loop has not read everything.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClientDisposed extends Error {
  readonly _tag = "ClientDisposed"
  override readonly name = "ClientDisposed"
  constructor() {
    super("the client was disposed of before the reading finished")
  }
}

/**
 * Builds a client. The first use fails with an `AgniError` when the options are wrong.
 *
 * @since 0.1.0
 * @category constructors
 */
export const createClient = (options: Options): Client => {
  const { apiKey, httpClient = FetchHttpClient.layer, ...rest } = options
  const layer = Layer.provide(AgniClient.layer({ ...rest, apiKey: Redacted.make(apiKey) }), httpClient)
  const runtime = ManagedRuntime.make(layer)
  const disposed = Deferred.makeUnsafe<never, ClientDisposed>()
  const dispose = () => {
    Deferred.doneUnsafe(disposed, Effect.fail(new ClientDisposed()))
    return runtime.dispose()
  }

  const contextOf = async () => {
    try {
      return await runtime.context()
    } catch (error) {
      throw Deferred.isDoneUnsafe(disposed) ? new ClientDisposed() : error
    }
  }
  async function* arrays<A, E>(stream: Stream.Stream<A, E, AgniClient>): AsyncGenerator<ReadonlyArray<A>> {
    const context = await contextOf()
    const until = Stream.interruptWhen(stream, Deferred.await(disposed))
    yield* Stream.toAsyncIterableWith(Stream.chunks(until), context)
  }
  async function* each<A, E>(stream: Stream.Stream<A, E, AgniClient>): AsyncGenerator<A> {
    for await (const array of arrays(stream)) yield* array
  }

  return {
    list: async (query = {}) => {
      const listed = Effect.flatMap(AgniClient, ({ list }) => Effect.map(list(query), toPlain))
      return Effect.runPromiseWith(await contextOf())(Effect.raceFirst(listed, Deferred.await(disposed)))
    },
    pages: (query, readOptions) => each(Stream.map(CallSessions.pages(query, readOptions), toPlain)),
    sessions: ({ onRejected, ...selection } = {}) =>
      each(
        CallSessions.sessions({
          ...selection,
          ...(onRejected === undefined ? {} : { onRejected: (rejected) => Effect.sync(() => onRejected(rejected)) })
        })
      ),
    dispose,
    [Symbol.asyncDispose]: dispose
  }
}
