/** The other thread of `DecodingThread`: a body comes, a digest goes back. */
import { digest, type Plain, type Work } from "@callstream/core/client/PageDecoder"
import { parentPort } from "node:worker_threads"

export interface Asked {
  readonly id: number
  readonly body: Uint8Array<ArrayBuffer>
  readonly work: Work
}

export interface Answered {
  readonly id: number
  readonly message: unknown
}

/** The thread can be asked. */
export interface Ready {
  /** The label of the transform that it applies. */
  readonly ready: string | undefined
}

export const serve = (transform?: Plain): void => {
  const port = parentPort
  if (port === null) return
  port.on("message", ({ body, id, work }: Asked) => {
    const { message, transfer } = digest(body, work, transform)
    port.postMessage({ id, message } satisfies Answered, transfer)
  })
  port.postMessage({ ready: transform?.label } satisfies Ready)
}
