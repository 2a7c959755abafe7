/** The script of the thread that decodes, and applies the transforms of a job. */
import { DecodingThread } from "@callstream/node"
import * as Effect from "effect/Effect"
import { workerData } from "node:worker_threads"
import * as Chain from "../job/Chain.ts"

// What `RunJob` gives it, and nobody else.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
DecodingThread.serve(await Effect.runPromise(Chain.toTransform(workerData as Chain.Chain)))
