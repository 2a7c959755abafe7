/** The other thread of `DecodingThread`: a body comes, a digest goes back. */
import { digest, type Hold } from "@callstream/core/client/PageDecoder"
import { parentPort } from "node:worker_threads"

/** @internal */
export interface Asked {
  readonly id: number
  readonly body: Uint8Array<ArrayBuffer>
  readonly hold: Hold
}

/** @internal */
export interface Answered {
  readonly id: number
  readonly message: unknown
}

const port = parentPort
if (port !== null) {
  port.on("message", ({ body, hold, id }: Asked) => {
    const { message, transfer } = digest(body, hold)
    port.postMessage({ id, message } satisfies Answered, transfer)
  })
  port.postMessage("ready")
}
