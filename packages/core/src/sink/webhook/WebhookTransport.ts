/**
 * How webhooks reach their receivers: clients that talk to one host each, without anybody's key.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { isLoopback } from "../../client/Loopback.ts"
import * as WebhookAddress from "./WebhookAddress.ts"

/**
 * A receiver's host that is not there, or that may not be sent to.
 *
 * @since 0.1.0
 * @category errors
 */
export class WebhookHostError extends Schema.TaggedError<WebhookHostError>()("WebhookHostError", {
  /** The mark of a platform's own errors, to find them in the cause of a failed connection. */
  code: Schema.Literal("ERR_WEBHOOK_HOST"),
  /** `unknown`: there is no such host; `lookup`: its name could not be looked up; the others are of `WebhookAddress.Refusal`. */
  reason: Schema.Literals(["unusable", "private", "plainHttp", "unknown", "lookup"]),
  /** Of `lookup`: what the name service said. */
  detail: Schema.optionalKey(Schema.String),
  /** Whether it may be otherwise later. */
  retryable: Schema.Boolean
}) {
  override get message(): string {
    const what = WebhookAddress.hostProblems[this.reason]
    return this.detail === undefined ? what : `${what} (${this.detail})`
  }
}

/**
 * What a client is wanted for.
 *
 * @since 0.1.0
 * @category options
 */
export interface Target {
  readonly url: URL
  readonly allowPrivateHosts: boolean
  /** Requests at the same time. */
  readonly connections: number
}

/**
 * Makes a client for one receiver. It follows no redirect, and connects only to addresses that were checked.
 *
 * @since 0.1.0
 * @category services
 */
export class WebhookTransport extends Context.Service<
  WebhookTransport,
  {
    readonly connect: (target: Target) => Effect.Effect<HttpClient.HttpClient, WebhookHostError, Scope.Scope>
  }
>()("@callstream/core/sink/WebhookTransport") {
  /**
   * Sends with the `HttpClient` at hand, for platforms that do not let a program see what a name resolves to. Only hosts
   * that are addresses themselves, and `localhost`, are checked, so it does not protect against URLs of other people.
   */
  static readonly layerHttpClient: Layer.Layer<WebhookTransport, never, HttpClient.HttpClient> = Layer.effect(
    WebhookTransport,
    Effect.map(HttpClient.HttpClient, (client) => ({
      connect: ({ allowPrivateHosts, url }: Target) => {
        const addresses = Option.match(WebhookAddress.literal(url), {
          onNone: () => (isLoopback(url.hostname) ? [NetAddress.ipv4Loopback] : []),
          onSome: (address) => [address]
        })
        const refused = WebhookAddress.refusal(url, addresses, allowPrivateHosts)
        return refused === undefined ? Effect.succeed(client) : Effect.fail(refuse(refused))
      }
    }))
  )
}

/**
 * The error for a host that may not be sent to.
 *
 * @since 0.1.0
 * @category constructors
 */
export const refuse = (reason: WebhookAddress.Refusal): WebhookHostError =>
  new WebhookHostError({ code: "ERR_WEBHOOK_HOST", reason, retryable: false })
