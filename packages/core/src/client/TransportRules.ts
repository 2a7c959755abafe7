/** Rules for each request, with any transport. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"

/**
 * `fetch` would follow a redirect by itself and take the key along, so this forbids it; other transports ignore this.
 * The other side gets no trace headers, and no span of the transport records a URL.
 */
export const withTransportRules = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.updateContext(effect, (context: Context.Context<never>) =>
    context.pipe(
      Context.add(FetchHttpClient.RequestInit, {
        ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
        redirect: "manual"
      }),
      Context.add(HttpClient.TracerDisabledWhen, () => true),
      Context.add(HttpClient.TracerPropagationEnabled, false)
    )
  )
