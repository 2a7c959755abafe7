/**
 * The transport of webhooks for Node: undici, and connections only to checked addresses.
 *
 * @since 0.1.0
 */
import * as WebhookAddress from "@callstream/core/sink/WebhookAddress"
import { refuse, WebhookHostError, WebhookTransport, type Target } from "@callstream/core/sink/WebhookTransport"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type { LookupFunction } from "node:net"

/**
 * Clients that follow no redirect, go through no proxy, and connect only to checked addresses. The name is
 * looked up once when a client is made, so that a wrong one is reported at once, and once for each connection, which then goes
 * to an address of that very answer: an answer that changes in between changes nothing, and a receiver may still move.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<WebhookTransport, never, Dns.Dns> = Layer.effect(
  WebhookTransport,
  Effect.map(Dns.Dns, (dns) => ({
    connect: (target: Target) =>
      Effect.gen(function* () {
        const addresses = resolve(dns, target)
        yield* addresses
        const dispatcher = yield* NodeHttpClient.makeDispatcherOptions({
          connections: target.connections,
          connect: { lookup: lookupOf(addresses) }
        })
        return yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
      })
  }))
)

type Addresses = Effect.Effect<Arr.NonEmptyReadonlyArray<NetAddress.IpAddress>, WebhookHostError>

/** The addresses of the target's host, when all of them may be sent to. */
const resolve = (dns: Dns.Dns["Service"], { allowPrivateHosts, url }: Target): Addresses =>
  Option.match(WebhookAddress.literal(url), {
    onSome: (address) => Effect.succeed<Arr.NonEmptyReadonlyArray<NetAddress.IpAddress>>([address]),
    onNone: () => Effect.mapError(dns.lookup(url.hostname), unknownHost)
  }).pipe(
    Effect.flatMap((addresses) => {
      const refused = WebhookAddress.refusal(url, addresses, allowPrivateHosts)
      return refused === undefined ? Effect.succeed(addresses) : Effect.fail(refuse(refused))
    })
  )

const unknownHost = (error: Dns.DnsError): WebhookHostError =>
  error.reason === "NotFound" || error.reason === "BadName"
    ? new WebhookHostError({ code: "ERR_WEBHOOK_HOST", reason: "unknown", retryable: error.reason !== "BadName" })
    : new WebhookHostError({ code: "ERR_WEBHOOK_HOST", reason: "lookup", detail: error.reason, retryable: true })

/** Resolves a host for a socket. Addresses in a URL are not resolved: they were checked before. */
const lookupOf =
  (addresses: Addresses): LookupFunction =>
  (_hostname, options, callback) => {
    Effect.runCallback(addresses, {
      onExit: (exit) => {
        if (Exit.isFailure(exit)) {
          const error = Option.getOrUndefined(Exit.findErrorOption(exit))
          return callback(Object.assign(new Error("the host was refused"), { code: codeOf(error) }), [])
        }
        const found = exit.value.map((address) => ({
          address: NetAddress.formatIp(address),
          family: NetAddress.isIpv4Address(address) ? 4 : 6
        }))
        const wanted = found.filter(
          ({ family }) => (options.family !== 4 && options.family !== 6) || options.family === family
        )
        const [first] = wanted
        if (first === undefined) return callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), [])
        return options.all === true ? callback(null, wanted) : callback(null, first.address, first.family)
      }
    })
  }

/** A name that cannot be looked up now may be later; an address that may not be sent to stays so. */
const codeOf = (error: WebhookHostError | undefined): string =>
  error === undefined || error.retryable ? "EAI_AGAIN" : error.code
