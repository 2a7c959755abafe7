#!/usr/bin/env node
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { main } from "./Cli.ts"
import * as Ref from "effect/Ref"
import { onInterrupt } from "./render/ExitCode.ts"
import { Screen } from "./render/Screen.ts"

// The first Ctrl-C ends the run cleanly; a second one means that the user does not want to wait. Then the signal does
// what it does to any program (a shell says 130): `process.exit` would wait for a file operation that hangs.
let signals = 0
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    signals++
    if (signals === 1) return
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

main(process.argv.slice(2)).pipe(
  Effect.provide(Layer.merge(Screen.layer, NodeServices.layer)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) =>
      onExit(Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : Ref.getUnsafe(onInterrupt))
  })
)
