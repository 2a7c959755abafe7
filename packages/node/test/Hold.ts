/** A process that takes checkpoints when it is told a folder, a line each, and gives them back at an empty line. */
import { Checkpoint } from "@callstream/core/checkpoint/Checkpoint"
import * as FileCheckpoint from "@callstream/core/checkpoint/FileCheckpoint"
import * as NodeProcessOwner from "@callstream/node/NodeProcessOwner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { createInterface } from "node:readline"

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeProcessOwner.layer)

/** `held`, or how it was refused. */
const take = (folder: string, scope: Scope.Scope) =>
  Checkpoint.use((checkpoint) => checkpoint.open("calls", {})).pipe(
    Scope.provide(scope),
    Effect.provide(Layer.provide(FileCheckpoint.layer({ folder }), platform)),
    Effect.match({ onSuccess: () => "taken", onFailure: (error) => `${error.reason._tag}: ${error.message}` })
  )

let scope = Scope.makeUnsafe()
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "") {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    scope = Scope.makeUnsafe()
    console.log("given back")
  } else console.log(await Effect.runPromise(take(line, scope)))
}
