/** A thread that ends when it is given a body. */
import { parentPort } from "node:worker_threads"

const port = parentPort
if (port !== null) {
  port.on("message", () => process.exit(1))
  port.postMessage({ ready: undefined })
}
