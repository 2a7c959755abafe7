/** A thread that leaves the first body to the one who asks, and ends when it is given another one. */
import { parentPort } from "node:worker_threads"

const port = parentPort
if (port !== null) {
  port.once("message", ({ id }: { readonly id: number }) => {
    port.on("message", () => process.exit(1))
    port.postMessage({ id, message: undefined })
  })
  port.postMessage({ ready: undefined })
}
