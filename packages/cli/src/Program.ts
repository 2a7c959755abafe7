/** Runs a command line as the program of this process, and ends the process with its exit code. */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Scheduler from "effect/Scheduler"
import { main } from "./Cli.ts"
import { onInterrupt } from "./render/ExitCode.ts"
import { Screen } from "./render/Screen.ts"
import * as EventLoopTurns from "./EventLoopTurns.ts"

/** In milliseconds. */
const patience = 1000

/**
 * The process ends by itself, because nothing is left to do. `process.exit` waits for V8's threads, and one that compiles may wait for
 * a collection by this thread, which is never made then: of a hundred runs that a signal stopped, two did not end. What keeps the
 * process alive nevertheless, as a request that was given up, has a second.
 *
 * @param reads Whether the reader of a pipe has the time that it takes.
 */
const end = (code: number, reads: boolean): void => {
  process.exitCode = code
  const look = () => {
    const isRead = process.stdout.writableLength + process.stderr.writableLength === 0
    if (isRead || !reads) process.exit(code)
    setTimeout(look, patience).unref()
  }
  setTimeout(look, patience).unref()
}

/** @param interrupted The exit code after a signal, until the command sets another. */
export const run = (args: ReadonlyArray<string>, interrupted: number): void =>
  Effect.andThen(Ref.set(onInterrupt, interrupted), main(args)).pipe(
    Effect.provide(Layer.merge(Screen.layer, NodeServices.layer)),
    Effect.provideService(Scheduler.Scheduler, EventLoopTurns.make()),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit) =>
        Exit.isSuccess(exit) && typeof exit.value === "number"
          ? end(exit.value, true)
          : end(Ref.getUnsafe(onInterrupt), false)
    })
  )
