/** A reply's body as a stream of bytes: whole, slow, padded, or cut off. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Reply } from "./SimulatorExchange.ts"

const encoder = new TextEncoder()

/** What a socket says when the other side is gone. */
export const connectionReset = (): Error => new Error("read ECONNRESET")

/** The headers, with the declared length where it is the point: a body that is cut off is shorter than its head says. */
export const withLength = (reply: Reply): Readonly<Record<string, string>> =>
  reply.delivery._tag === "Cut"
    ? { ...reply.headers, "content-length": String(encoder.encode(reply.body).length) }
    : reply.headers

const padding = 64 * 1024

/**
 * The body's bytes; fails with `connectionReset` where it is cut off. Delays are Effect's.
 *
 * @param lingerMillis how long a body that is cut off waits before it breaks, so that a socket has sent what came before
 */
export const stream = (reply: Reply, lingerMillis = 0): Stream.Stream<Uint8Array, Error> => {
  const bytes = encoder.encode(reply.body)
  const { delivery } = reply
  switch (delivery._tag) {
    case "Cut": {
      const part = bytes.subarray(0, Math.floor(bytes.length * delivery.at))
      const failure = Effect.fail(connectionReset())
      const broken = Stream.fromEffect(lingerMillis > 0 ? Effect.delay(failure, lingerMillis) : failure)
      return part.length === 0 ? broken : Stream.concat(Stream.succeed(part), broken)
    }
    case "Slow": {
      const count = Math.max(1, Math.min(delivery.chunks, bytes.length))
      const size = Math.ceil(bytes.length / count)
      return Stream.mapEffect(Stream.range(0, count - 1), (i) =>
        Effect.as(Effect.sleep(delivery.millis / count), bytes.subarray(i * size, (i + 1) * size))
      )
    }
    case "Padded": {
      const spaces = new Uint8Array(padding).fill(0x20)
      const filled = Stream.map(Stream.range(1, Math.ceil(delivery.bytes / padding)), (i) =>
        i * padding <= delivery.bytes ? spaces : spaces.subarray(0, delivery.bytes % padding)
      )
      // After the first character, so that it is padding to a parser too and not leading space that a sniffer trims.
      return Stream.succeed(bytes.subarray(0, 1)).pipe(
        Stream.concat(filled),
        Stream.concat(Stream.succeed(bytes.subarray(1)))
      )
    }
    case "Reset":
      return Stream.fail(connectionReset())
    case "Hang":
    case "Whole":
      return Stream.succeed(bytes)
  }
}
