/** A pipe that its reader closed. */
import { OutputError, SinkError } from "@callstream/core"

/** A reader that has seen enough (`| head`) is no failure. */
export const isClosedPipe = (error: unknown): boolean =>
  error instanceof OutputError
    ? error.reason === "closed" && error.code === "EPIPE"
    : error instanceof SinkError && error.operation !== "open" && error.code === "EPIPE"
