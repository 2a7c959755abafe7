/** A pipe that its reader closed. */
import { OutputError, SinkError } from "@callstream/core"
import * as SinkAdvice from "./advice/SinkAdvice.ts"

/** A reader that has seen enough (`| head`) is no failure. */
export const isClosedPipe = (error: unknown): boolean =>
  error instanceof OutputError
    ? error.reason._tag === "Closed" && error.code === "EPIPE"
    : error instanceof SinkError && SinkAdvice.isClosedPipe(error)
