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

/** @param interrupted The exit code after a signal, until the command sets another. */
export const run = (args: ReadonlyArray<string>, interrupted: number): void =>
  Effect.andThen(Ref.set(onInterrupt, interrupted), main(args)).pipe(
    Effect.provide(Layer.merge(Screen.layer, NodeServices.layer)),
    Effect.provideService(Scheduler.Scheduler, EventLoopTurns.make()),
    NodeRuntime.runMain({
      disableErrorReporting: true,
      teardown: (exit, onExit) =>
        onExit(Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : Ref.getUnsafe(onInterrupt))
    })
  )
