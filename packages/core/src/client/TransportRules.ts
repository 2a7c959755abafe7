/**
 * Rules for each request, with any transport.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"

/**
 * `fetch` would follow a redirect by itself and take the key along, so this forbids it; other transports ignore this.
 * The other side gets no trace headers, and no span of the transport records a URL.
 *
 * @since 0.1.0
 * @category combining
 */
export const withTransportRules = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(effect, (context: Context.Context<R>) =>
    context.pipe(
      Context.add(FetchHttpClient.RequestInit, {
        ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
        redirect: "manual"
      }),
      Context.add(HttpClient.TracerDisabledWhen, () => true),
      Context.add(HttpClient.TracerPropagationEnabled, false)
    )
  )
